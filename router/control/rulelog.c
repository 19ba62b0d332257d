/* rulelog.c - a packet that met a rule with log, as a line
 *
 *     web-in: rule=r1 hook=forward in=lan out=wan src=10.0.1.2 dst=192.0.2.1
 *     proto=6 sport=4000 dport=80 flags=0x02 len=60 ttl=64 state=new
 *
 * in one.  Nothing in it comes from the packet as text. */
#include "control/rulelog.h"

#include "config/rule/hook.h"
#include "system/addr.h"

#include <ctcore/words.h>
#include <stdarg.h>

struct out {
    char *line;
    size_t at;
};

static void __attribute__((format(printf, 2, 3)))
say(struct out *o, const char *fmt, ...)
{
    size_t room = RULELOG_ROOM - o->at;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->line + o->at, room, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->at += (size_t)n < room ? (size_t)n : room - 1;
}

static void say_iface(struct out *o, const char *key, uint8_t i,
                      const struct config *config)
{
    if (i < config->n_ifaces)
        say(o, " %s=%s", key, config->iface[i].name);
}

void rulelog_line(char *line, const struct ct_log *log,
                  const struct config *config)
{
    struct out o = {line, 0};
    char text[CONFIG_ADDR_TEXT];

    line[0] = '\0';
    if (log->prefix[0] != '\0')
        say(&o, "%s: ", log->prefix);
    say(&o, "rule=%s hook=%s", log->id, config_hook_name(log->hook));
    say_iface(&o, "in", log->in, config);
    say_iface(&o, "out", log->out, config);
    say(&o, " src=%s", system_addr_text(&log->src, log->family, 255, text));
    say(&o, " dst=%s", system_addr_text(&log->dst, log->family, 255, text));
    say(&o, " proto=%u", log->proto);
    if (log->sport != 0 || log->dport != 0)
        say(&o, " sport=%u dport=%u", log->sport, log->dport);
    if (log->proto == CT_PROTO_TCP)
        say(&o, " flags=0x%02x", log->tcp_flags);
    if (ct_proto_is_icmp(log->proto))
        say(&o, " type=%u code=%u", log->icmp_type, log->icmp_code);
    say(&o, " len=%u ttl=%u state=%s", log->len, log->ttl,
        ct_word_name(CT_WORDS_INFO, log->info));
    if (log->mark != 0)
        say(&o, " mark=%u", log->mark);
    if (log->suppressed != 0)
        say(&o, " suppressed=%u", log->suppressed);
}
