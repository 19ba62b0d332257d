/* bad.c - errors of meaning: a row each
 *
 * A row is a piece of JSON put into a file that is fine without it, and the one
 * error that must come, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

#define RULE(hook, body) "\"rules\": {\"" hook "\": [{" body "}]}"
#define FWD(body)        RULE("forward", body)
#define POST(body)       RULE("postrouting", body)
#define PRE(body)        RULE("prerouting", body)
#define EXT              ", \"conntrack\": {\"extensions\": 8}"
#define QUEUE(body)      "\"queues\": {\"list\": [{" body "}]}, "
#define Q0               "/queues/list/0"
#define F0               "/rules/forward/0"
#define S0               "/rules/postrouting/0"
#define P0               "/rules/prerouting/0"

/* ^ stands before the character that the error must point at. */
static const struct {
    const char *extra, *pointer, *says;
} bad[] = {
    /* top level */
    {"^\"polcy\": {}", "/polcy", "did you mean \"policy\""},
    {"^\"gateway\": {\"lan\": \"a\", \"wan\": \"b\"}", "/gateway",
     "and \"interfaces\" are both"},
    {"\"workers\": ^0", "/workers", "from 1 to 64"},
    {"\"workers\": ^65", "/workers", "from 1 to 64"},
    {"\"workers\": ^\"2\"", "/workers", "is not allowed here; use a"},
    {"\"workers\": ^1.5", "/workers", "fraction"},
    {"\"seed\": ^-1", "/seed", "whole number"},
    {"\"seed\": ^\"x\"", "/seed", "whole number"},
    {"\"on_reload\": ^\"flush\"", "/on_reload", "\"revalidate\""},
    {"\"on_reload\": ^\"kill\"", "/on_reload", "\"keep\""},
    {"\"on_reload\": ^null", "/on_reload", "null is not allowed here; use"},
    {"\"log\": {\"level\": ^\"loud\"}", "/log/level", "\"warn\""},
    {"\"log\": {\"format\": ^7}", "/log/format", "\"json\""},
    {"\"log\": {^\"leve\": 1}", "/log/leve", "did you mean \"level\""},
    {"\"log\": ^[]", "/log", "a list is not allowed here;"},
    {"\"nat\": {\"hairpin\": ^1}", "/nat/hairpin", "true or false"},
    {"\"nat\": {^\"hairpins\": true}", "/nat/hairpins", "\"hairpin\""},
    {"\"policy\": {\"input\": ^\"reject\"}", "/policy/input", "\"drop\""},
    {"\"policy\": {^\"prerouting\": \"drop\"}", "/policy/prerouting",
     "unknown key"},
    {"\"policy\": ^true", "/policy", "true is not allowed here; use"},
    /* api */
    {"\"api\": {\"listen\": ^\"0.0.0.0:80\"}", "/api/listen", "by others"},
    {"\"api\": {\"listen\": ^\"[::]:80\"}", "/api/listen", "by others"},
    {"\"api\": {\"listen\": ^\"localhost:80\"}", "/api/listen",
     "is not an address to listen"},
    {"\"api\": {\"listen\": ^\"127.0.0.1\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"127.0.0.1:65536\"}", "/api/listen",
     "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"127.0.0.1:1-2\"}", "/api/listen",
     "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"::1:80\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"[::1:80\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\":80\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^\"[]:80\"}", "/api/listen", "ADDRESS:PORT"},
    {"\"api\": {\"listen\": ^80}", "/api/listen",
     "80 is not allowed here; use"},
    {"\"api\": {\"socket\": ^\"\"}", "/api/socket", "0 bytes"},
    {"\"api\": {\"url\": ^\"router.example:8081\"}", "/api/url",
     "is not the address of a page;"},
    {"\"api\": {\"url\": ^\"http://a/#token=x\"}", "/api/url",
     "is not the address of a page;"},
    {"\"api\": {\"url\": ^\"http://a/\\\"\"}", "/api/url",
     "is not the address of a page;"},
    {"\"api\": {\"token_file\": ^\"/nowhere/at/all\"}", "/api/token_file",
     "\"/nowhere/at/all\": no such"},
    {"\"api\": {\"token_file\": ^\"/dev/null\"}", "/api/token_file",
     "is not a regular file; use a"},
    /* conntrack */
    {"\"conntrack\": {\"max\": ^15}", "/conntrack/max", "from 16 to 16777216"},
    {"\"conntrack\": {\"max\": ^16777217}", "/conntrack/max", "16777216"},
    {"\"conntrack\": {\"max\": 262144, \"buckets\": ^2048}",
     "/conntrack/buckets", "too few buckets: 2048 for"},
    {"\"workers\": 4, \"conntrack\": {\"max\": ^63}", "/conntrack/max",
     "at least 64"},
    {"\"conntrack\": {\"buckets\": ^1}", "/conntrack/buckets", "from 16"},
    {"\"conntrack\": {\"profile\": ^\"bsd\"}", "/conntrack/profile",
     "\"linux\", \"weir\", \"rfc\""},
    {"\"conntrack\": {\"on_full\": ^\"panic\"}", "/conntrack/on_full",
     "\"untracked\""},
    {"\"conntrack\": {\"acct\": ^\"yes\"}", "/conntrack/acct", "true or false"},
    {"\"conntrack\": {\"timeouts\": {^\"upd\": 1}}", "/conntrack/timeouts/upd",
     "did you mean \"udp\""},
    {"\"conntrack\": {\"timeouts\": {^\"tcp_loose\": 1}}",
     "/conntrack/timeouts/tcp_loose", "unknown key"},
    {"\"conntrack\": {\"timeouts\": {\"udp\": ^0}}", "/conntrack/timeouts/udp",
     "from 1 to 31536000"},
    {"\"conntrack\": {\"timeouts\": ^30}", "/conntrack/timeouts", "an object"},
    {"\"conntrack\": {\"tcp_loose\": ^2}", "/conntrack/tcp_loose", "to 1"},
    {"\"conntrack\": {\"tcp_max_retrans_nr\": ^true}",
     "/conntrack/tcp_max_retrans_nr", "true is not allowed here; use"},
    {"\"conntrack\": {^\"udp\": 30}", "/conntrack/udp", "unknown key"},
    /* routes */
    {"\"routes\": ^{}", "/routes", "a list of routes"},
    {"\"routes\": [^7]", "/routes/0", "an object"},
    {"\"routes\": [^{\"interface\": \"wan\"}]", "/routes/0",
     "\"to\" is missing"},
    {"\"routes\": [^{\"to\": \"default\"}]", "/routes/0",
     "\"interface\" is missing"},
    {"\"routes\": [{\"to\": \"default\", \"interface\": ^\"dmz\"}]",
     "/routes/0/interface", "unknown interface \"dmz\";"},
    {"\"routes\": [{\"to\": ^\"10.0.0.1/8\", \"interface\": \"wan\"}]",
     "/routes/0/to", "has bits set behind its"},
    {"\"routes\": [{\"to\": ^\"all\", \"interface\": \"wan\"}]", "/routes/0/to",
     "is not a prefix; use"},
    {"\"routes\": [{\"to\": \"10.0.0.0/8\", \"family\": ^\"ipv6\", "
     "\"interface\": \"wan\"}]",
     "/routes/0/family", "other family"},
    {"\"routes\": [{\"to\": \"default\", \"interface\": \"wan\"}, {\"to\": "
     "^\"0.0.0.0/0\", \"interface\": \"lan\"}]",
     "/routes/1/to", "0.0.0.0/0 already leads to"},
    {"\"routes\": [{\"to\": ^\"10.0.1.0/24\", \"interface\": \"wan\"}]",
     "/routes/0/to", "10.0.1.0/24 already leads to"},
    {"\"routes\": [{\"to\": \"default\", ^\"via\": \"10.0.0.1\", "
     "\"interface\": \"wan\"}]",
     "/routes/0/via", "unknown key"},
    /* sets */
    {"\"sets\": {\"a\": ^\"10.0.0.1\"}", "/sets/a", "a list"},
    {"\"sets\": {^\"1a\": []}", "/sets/1a", "is not allowed as the name of"},
    {"\"sets\": {\"a\": [\"10.0.0.1\", ^\"10.0.0\"]}", "/sets/a/1",
     "is not an address, a set or"},
    {"\"sets\": {\"a\": [^\"10.0.0.1/33\"]}", "/sets/a/0",
     "is not an address, a set or"},
    {"\"sets\": {\"a\": [^\"10.0.0.1/24\"]}", "/sets/a/0",
     "has bits set behind its"},
    {"\"sets\": {\"a\": [^\"10.0.0.9-10.0.0.1\"]}", "/sets/a/0",
     "ends before it begins"},
    {"\"sets\": {\"a\": [^\"10.0.0.9-fd00::1\"]}", "/sets/a/0", "one family"},
    {"\"sets\": {\"a\": [^\"10.0.0.9-\"]}", "/sets/a/0",
     "is not a range of addresses;"},
    {"\"sets\": {\"a\": [^5]}", "/sets/a/0", "5 is not allowed here; use an"},
    /* matches */
    {"\"rules\": ^[]", "/rules", "an object"},
    {"\"rules\": {\"forward\": ^{}}", "/rules/forward", "a list of rules"},
    {"\"rules\": {^\"ingress\": []}", "/rules/ingress", "unknown key"},
    {FWD("^\"verdic\": \"drop\""), F0 "/verdic", "did you mean \"verdict\""},
    {FWD("\"in\": ^\"eth0\""), F0 "/in", "unknown interface \"eth0\";"},
    {FWD("\"src\": ^\"@none\""), F0 "/src", "unknown set \"none\"; use a key"},
    {FWD("\"src\": ^\"dmz\""), F0 "/src", "is not an address, a set or"},
    {"\"sets\": {\"a\": [^\"lan\"]}", "/sets/a/0",
     "is not an address, a set or"},
    {FWD("\"src\": ^[]"), F0 "/src", "an empty list"},
    {FWD("\"src\": [\"10.0.0.1\", ^\"!10.0.0.2\"]"), F0 "/src/1",
     "only some entries begin with"},
    {"\"sets\": {\"e\": []}, " FWD("\"src\": ^\"!@e\""), F0 "/src",
     "empty set"},
    {FWD("\"proto\": ^\"tpc\""), F0 "/proto", "unknown protocol \"tpc\"; use"},
    {FWD("\"proto\": ^256"), F0 "/proto", "unknown protocol 256; use"},
    {FWD("\"proto\": [1, 2, 3, 4, 5, 6, ^7]"), F0 "/proto/6", "at most 6"},
    {FWD("^\"dport\": 80"), F0 "/dport", "a port needs a protocol that"},
    {FWD("\"proto\": \"icmp\", ^\"sport\": 80"), F0 "/sport",
     "a port needs a protocol that"},
    {FWD("\"proto\": \"!tcp\", ^\"sport\": 80"), F0 "/sport",
     "a port needs a protocol that"},
    {FWD("\"proto\": \"tcp\", \"dport\": ^65536"), F0 "/dport", "65535"},
    {FWD("\"proto\": \"tcp\", \"dport\": ^\"90-80\""), F0 "/dport",
     "is not a valid port; use a"},
    {FWD("\"proto\": \"tcp\", \"dport\": [80, ^\"http\"]"), F0 "/dport/1",
     "is not a valid port; use a"},
    {FWD("\"icmp_type\": ^8"), F0 "/icmp_type",
     "icmp_type needs its protocol;"},
    {FWD("\"proto\": \"!icmp\", \"icmp_type\": ^8"), F0 "/icmp_type",
     "icmp_type needs its protocol;"},
    {FWD("\"proto\": [\"icmp\", \"tcp\"], \"icmp_type\": ^8"), F0 "/icmp_type",
     "icmp_type needs its protocol;"},
    {FWD("\"proto\": ^\"x\", \"icmp_type\": 8"), F0 "/proto",
     "unknown protocol \"x\"; use"},
    {FWD("\"proto\": \"icmp\", \"icmp_type\": ^\"ping\""), F0 "/icmp_type",
     "is not a valid type of icmp;"},
    {FWD("\"proto\": \"icmpv6\", \"icmp_type\": ^256"), F0 "/icmp_type",
     "from 0 to 255"},
    {FWD("\"ct_state\": [\"new\", ^\"old\"]"), F0 "/ct_state/1",
     "is not a valid ct_state; use"},
    {FWD("\"mark\": ^4294967296"), F0 "/mark", "4294967295"},
    {FWD("\"mark\": ^\"3/2\""), F0 "/mark", "is not a mark; use a number"},
    {FWD("\"mark\": ^\"0/0\""), F0 "/mark", "is not a mark; use a number"},
    {"\"rules\": {\"forward\": [^{\"src\": \"10.0.0.1\", \"dst\": "
     "\"fd00::1\"}]}",
     F0, "a rule for IPv4 and IPv6 at"},
    {"\"rules\": {\"forward\": [^{\"src\": \"10.0.0.1\", \"proto\": "
     "\"icmpv6\"}]}",
     F0, "a rule for IPv4 and IPv6 at"},
    {RULE("output", "^\"in\": \"lan\""), "/rules/output/0/in", "no interface"},
    {RULE("input", "^\"out\": \"lan\""), "/rules/input/0/out",
     "is not allowed in this hook,"},
    {PRE("^\"out\": \"lan\", \"dnat\": \"10.0.1.2\""), P0 "/out",
     "is not allowed in this hook,"},
    {PRE("^\"ct_state\": \"new\", \"notrack\": true"), P0 "/ct_state",
     "before conntrack"},
    {PRE("^\"mark\": 1, \"notrack\": true"), P0 "/mark", "before conntrack"},
    {PRE("\"ct_state\": ^\"established\", \"dnat\": \"10.0.1.2\""),
     P0 "/ct_state", "first packet"},
    {PRE("\"ct_state\": ^[\"!new\", \"!related\"], \"dnat\": \"10.0.1.2\""),
     P0 "/ct_state", "first packet"},
    {RULE("output", "\"set_ttl\": ^\"+0001\""), "/rules/output/0/set_ttl",
     "is not a TTL; use 1 to 255,"},
    {"\"on_reload\": "
     "^\"012345678901234567890123456789012345678901234567890123456789\"",
     "/on_reload", "\"012345678901234567890123456789012345678901234567...\""},
    {FWD("\"verdict\": ^\"queue 000001\""), F0 "/verdict", "unknown verdict"},
    {FWD("\"id\": ^\"a b\""), F0 "/id", "is not an id; use A-Z a-z 0-9"},
    {"\"rules\": {\"input\": [{\"id\": \"x\"}], \"forward\": [{\"id\": "
     "^\"x\"}]}",
     F0 "/id", "entry 0 of input already has"},
    {FWD("\"comment\": ^7"), F0 "/comment", "a text"},
    /* keys of later versions */
    /* labels */
    {FWD("\"label\": ^128") EXT, F0 "/label", "from 0 to 127"},
    {FWD("\"label\": ^[]") EXT, F0 "/label", "an empty list"},
    {FWD("\"label\": 1, \"not_label\": ^2") EXT, F0 "/not_label",
     "one of them"},
    {FWD("\"set_label\": [1, ^-1]") EXT, F0 "/set_label/1", "from 0 to 127"},
    {FWD("\"set_label\": ^1"), F0 "/set_label", "\"extensions\": N"},
    {FWD("\"timeouts\": ^{\"udp\": 5}"), F0 "/timeouts", "\"extensions\": N"},
    {FWD("\"timeouts\": ^{}") EXT, F0 "/timeouts", "at least one"},
    {FWD("\"timeouts\": ^5") EXT, F0 "/timeouts", "an object"},
    {FWD("\"timeouts\": {\"udp\": ^0}") EXT, F0 "/timeouts/udp",
     "from 1 to 31536000"},
    {FWD("\"timeouts\": {^\"tcp_loose\": 1}") EXT, F0 "/timeouts/tcp_loose",
     "unknown key"},
    {FWD("\"proto\": \"udp\", \"timeouts\": {\"udp\": 1, ^\"icmp\": 1}") EXT,
     F0 "/timeouts/icmp", "one of that protocol"},
    {FWD("\"mss\": ^1400, \"timeouts\": {\"tcp_close\": 1}") EXT, F0 "/mss",
     "one action"},
    {PRE("^\"not_label\": 1, \"notrack\": true"), P0 "/not_label",
     "before conntrack"},
    /* zones */
    {FWD("\"zone\": ^65536"), F0 "/zone", "from 0 to 65535"},
    {FWD("\"zone\": ^\"red\""), F0 "/zone", "is not a valid zone; use a"},
    {FWD("\"zone\": ^\"!65536\""), F0 "/zone", "is not a valid zone; use a"},
    {FWD("^\"set_zone\": 1"), F0 "/set_zone", "prerouting or output"},
    {PRE("\"set_zone\": ^70000"), P0 "/set_zone", "65535"},
    {PRE("\"set_zone\": 1, \"set_zone_reply\": ^2"), P0 "/set_zone_reply",
     "second action"},
    {PRE("\"set_zone_orig\": ^\"red\""), P0 "/set_zone_orig", "65535"},
    /* helpers */
    {FWD("^\"helper\": \"ftp\""), F0 "/helper", "prerouting or output"},
    {PRE("\"proto\": \"tcp\", \"helper\": ^\"sip\""), P0 "/helper", "ftp"},
    {PRE("\"proto\": \"udp\", \"helper\": ^\"ftp\"") EXT, P0 "/helper",
     "helper \"ftp\" reads tcp; add"},
    {PRE("\"helper\": ^\"tftp\"") EXT, P0 "/helper",
     "helper \"tftp\" reads udp; add"},
    {PRE("\"proto\": \"tcp\", \"helper\": ^\"ftp\""), P0 "/helper",
     "extensions"},
    {PRE("\"proto\": \"tcp\", \"helper\": ^\"pptp\"") EXT ", \"workers\": 2",
     P0 "/helper", "\"workers\": 1"},
    {FWD("^\"queue\": 1"), F0 "/queue", "unknown key"},
    /* queues */
    {FWD("\"verdict\": ^\"queue 1\""), F0 "/verdict", "one of /queues/list"},
    {QUEUE("\"number\": 2") FWD("\"verdict\": ^\"queue 1\""), F0 "/verdict",
     "unknown queue 1; use one of"},
    {QUEUE("\"number\": 1") FWD("\"verdict\": ^\"queue\""), F0 "/verdict",
     "\"queue N\""},
    {QUEUE("\"number\": 1") FWD("\"verdict\": ^\"queue 1x\""), F0 "/verdict",
     "\"queue N\""},
    {QUEUE("\"number\": 1") FWD("\"verdict\": ^\"queue 65536\""), F0 "/verdict",
     "\"queue N\""},
    {QUEUE("\"number\": 1") FWD("\"verdict\": ^\"queue 99999999999999999999\""),
     F0 "/verdict", "\"queue N\""},
    {QUEUE("\"number\": 1") FWD("\"verdict\": \"queue 1\", \"notrack\": ^true"),
     F0 "/notrack", "second action"},
    {"\"queues\": ^[]", "/queues", "a list is not allowed here;"},
    {"\"queues\": {\"list\": ^{}}", "/queues/list", "a list of queues"},
    {"\"queues\": {\"list\": [^{}]}", Q0, "\"number\" is missing"},
    {"\"queues\": {\"list\": [^1]}", Q0, "1 is not allowed here; use an"},
    {"\"queues\": {\"list\": [{\"number\": ^65536}]}", Q0 "/number",
     "from 0 to 65535"},
    {"\"queues\": {\"list\": [{\"number\": 1}, {\"number\": ^1}]}",
     "/queues/list/1/number", "each number once"},
    {"\"queues\": {\"list\": [{\"number\": 1, \"max\": ^0}]}", Q0 "/max",
     "from 1 to 65536"},
    {"\"queues\": {\"list\": [{\"number\": 1, \"timeout_ms\": ^9}]}",
     Q0 "/timeout_ms", "from 10 to 600000"},
    {"\"queues\": {\"list\": [{\"number\": 1, \"resize\": ^1}]}", Q0 "/resize",
     "true or false"},
    {"\"queues\": {\"list\": [{\"number\": 1, \"resize\": ^true}]}",
     Q0 "/resize", "needs extension records; set"},
    {"\"queues\": {\"list\": [{\"number\": 1, \"bypass\": ^1}]}", Q0 "/bypass",
     "true or false"},
    {"\"queues\": {\"list\": [{\"number\": 1, \"fail_open\": ^\"no\"}]}",
     Q0 "/fail_open", "true or false"},
    {"\"queues\": {\"list\": [{\"number\": 1, ^\"fail-open\": true}]}",
     Q0 "/fail-open", "did you mean \"fail_open\""},
    {"\"queues\": {\"socket\": ^7}", "/queues/socket",
     "the path of a Unix socket"},
    {"\"queues\": ^{\"list\": [{\"number\": 1}], \"socket\": "
     "\"/run/weir/weir.sock\"}",
     "/queues", "the queues' socket has no"},
    {FWD("\"log\": ^false"), F0 "/log", "false is not allowed here;"},
    {FWD("\"log\": ^\"\""), F0 "/log", "1 to 39 bytes"},
    {FWD("\"log\": ^\"0123456789012345678901234567890123456789\""), F0 "/log",
     "1 to 39 bytes"},
    {FWD("\"log\": ^\"a\\nb\""), F0 "/log", "a control character"},
    /* status and limits */
    {FWD("\"ct_status\": ^\"replied\""), F0 "/ct_status",
     "is not a valid ct_status; use"},
    {FWD("\"ct_status\": ^7"), F0 "/ct_status", "7 is not a valid ct_status;"},
    {FWD("\"ct_status\": ^[]"), F0 "/ct_status", "an empty list"},
    {FWD("\"ct_status\": [\"snat\", ^\"!dnat\"]"), F0 "/ct_status/1",
     "only some entries begin with"},
    {PRE("^\"ct_status\": \"snat\", \"notrack\": true"), P0 "/ct_status",
     "notrack is decided before"},
    {FWD("\"limit\": ^10"), F0 "/limit", "10 is not allowed here; use"},
    {FWD("\"limit\": ^\"10\""), F0 "/limit", "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"10/s\""), F0 "/limit", "second, minute, hour or day"},
    {FWD("\"limit\": ^\"0/second\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"10/second burst\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"10/second burst 0\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"10/second burst 5 packets\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"over10/second\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"-1/second\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"4294967295/second\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"99999999999999999999/day\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {FWD("\"limit\": ^\"1/day burst 4294967295\""), F0 "/limit",
     "is not a limit; use \"[over]"},
    {POST("^\"limit\": \"1/second\", \"masquerade\": true"), S0 "/limit",
     "would leave untranslated"},
    {FWD("\"connlimit\": ^-1"), F0 "/connlimit", "from 0"},
    {FWD("\"connlimit\": ^true"), F0 "/connlimit",
     "true is not allowed here; use"},
    {FWD("\"connlimit\": ^\"many\""), F0 "/connlimit",
     "is not a connlimit; use N"},
    {FWD("\"connlimit\": ^\"over\""), F0 "/connlimit",
     "is not a connlimit; use N"},
    {FWD("\"connlimit\": ^\"9/33\""), F0 "/connlimit",
     "is not a connlimit; use N"},
    {FWD("\"connlimit\": ^\"9/24/129\""), F0 "/connlimit",
     "is not a connlimit; use N"},
    {FWD("\"connlimit\": ^\"9/24/\""), F0 "/connlimit",
     "is not a connlimit; use N"},
    {FWD("\"connlimit\": ^\"4294967296\""), F0 "/connlimit",
     "is not a connlimit; use N"},
    {POST("^\"connlimit\": 9, \"out\": \"wan\", \"snat\": \"192.0.2.1\""),
     S0 "/connlimit", "would leave untranslated"},
    {PRE("^\"connlimit\": 9, \"notrack\": true"), P0 "/connlimit",
     "notrack is decided before"},
    /* header fields */
    {FWD("\"mss\": ^87"), F0 "/mss", "from 88 to 65495"},
    {FWD("\"mss\": ^\"clamp\""), F0 "/mss", "\"pmtu\""},
    {FWD("\"mss\": 1400, \"proto\": ^\"udp\""), F0 "/proto",
     "is for TCP; use \"proto\":"},
    {FWD("\"mss\": 1400, \"proto\": ^\"!tcp\""), F0 "/proto",
     "is for TCP; use \"proto\":"},
    {FWD("\"mss\": 1400, \"proto\": ^[\"tcp\", \"udp\"]"), F0 "/proto",
     "is for TCP; use \"proto\":"},
    {PRE("\"mss\": ^\"pmtu\""), P0 "/mss", "is not allowed in this hook,"},
    {RULE("input", "^\"mss\": 1400"), "/rules/input/0/mss",
     "is not allowed in hook input;"},
    {POST("\"set_ttl\": ^0"), S0 "/set_ttl", "from 1 to 255"},
    {POST("\"set_ttl\": ^\"64\""), S0 "/set_ttl", "\"+N\""},
    {POST("\"set_ttl\": ^\"+0\""), S0 "/set_ttl",
     "is not a TTL; use 1 to 255,"},
    {POST("\"set_ttl\": ^\"-256\""), S0 "/set_ttl",
     "is not a TTL; use 1 to 255,"},
    {POST("\"set_ttl\": ^\"+1x\""), S0 "/set_ttl",
     "is not a TTL; use 1 to 255,"},
    {FWD("^\"set_ttl\": 64"), F0 "/set_ttl", "is not allowed in hook"},
    {FWD("\"set_dscp\": ^64"), F0 "/set_dscp", "from 0 to 63"},
    {FWD("\"set_dscp\": ^\"af14\""), F0 "/set_dscp",
     "is not a DSCP; use 0 to 63,"},
    /* netmap */
    {POST("\"netmap\": ^\"192.0.2.1\""), S0 "/netmap",
     "is not a prefix; use a"},
    {POST("\"netmap\": ^\"192.0.2.1/24\""), S0 "/netmap", "a host's bits"},
    {POST("\"netmap\": ^\"0.0.0.0/0\""), S0 "/netmap",
     "is not a prefix; use a"},
    {POST("\"netmap\": ^\"224.0.0.0/8\""), S0 "/netmap", "multicast"},
    {POST("\"netmap\": ^true"), S0 "/netmap", "true is not allowed here; use"},
    {FWD("^\"netmap\": \"10.9.0.0/16\""), F0 "/netmap",
     "is not allowed in hook"},
    {POST("\"netmap\": \"192.0.2.0/24\", ^\"random\": true"), S0 "/random",
     "can't be combined with"},
    {"\"workers\": 2, " PRE("\"netmap\": ^\"10.9.0.0/16\""), P0 "/netmap",
     "\"workers\": 1"},
    /* lists */
    {FWD("\"in\": [\"lan\", ^\"!wan\"]"), F0 "/in/1",
     "only some entries begin with"},
    {FWD("\"in\": [\"lan\", ^\"nowhere\"]"), F0 "/in/1",
     "unknown interface \"nowhere\";"},
    {FWD("\"out\": ^[]"), F0 "/out", "an empty list"},
    {FWD("\"family\": ^[\"!ipv4\", \"!ipv6\"]"), F0 "/family", "nothing"},
    {FWD("\"mark\": [1, ^\"x\"]"), F0 "/mark/1", "is not a mark; use a number"},
    {FWD("\"proto\": \"icmp\", \"icmp_type\": [0, ^\"packet-too-big\"]"),
     F0 "/icmp_type/1", "is not a valid type of icmp;"},
    /* what is not translated */
    {POST("\"nat\": ^\"some\""), S0 "/nat", "\"none\""},
    {FWD("^\"nat\": \"none\""), F0 "/nat", "is not allowed in hook"},
    {POST("\"nat\": \"none\", ^\"random\": true"), S0 "/random",
     "can't be combined with nat;"},
    {PRE("\"limit\": ^\"10/second\", \"verdict\": \"accept\"}, {\"proto\": "
         "\"tcp\", \"dport\": 80, \"dnat\": \"10.0.1.2\""),
     P0 "/limit", "beyond the limit"},
    {"\"workers\": 2, " PRE("\"verdict\": ^\"accept\"}, {\"proto\": \"tcp\", "
                            "\"dst\": \"192.0.2.1\", \"dport\": 80, "
                            "\"dnat\": \"10.0.1.2\""),
     P0 "/verdict", "answers to packets that this"},
    {POST("\"snat\": ^\"192.0.2.9/29\""), S0 "/snat", "is not an address to"},
    {POST("\"snat\": ^\"192.0.2.8/33\""), S0 "/snat", "is not an address to"},
    /* actions */
    {FWD("\"verdict\": ^\"allow\""), F0 "/verdict",
     "\"accept\", \"drop\", \"reject\", \"queue N\", \"notrack\""},
    {FWD("\"verdict\": \"drop\", \"notrack\": ^true"), F0 "/notrack",
     "second action"},
    {FWD("\"verdict\": \"drop\", \"reject_with\": ^\"tcp-reset\""),
     F0 "/reject_with", "is for rejects; add"},
    {FWD("\"verdict\": \"reject\", \"reject_with\": ^\"rst\""),
     F0 "/reject_with", "\"tcp-reset\""},
    {PRE("^\"verdict\": \"reject\""), P0 "/verdict",
     "\"reject\" is not allowed in hook prerouting; use input, forward or"},
    {FWD("^\"notrack\": true"), F0 "/notrack", "is not allowed in hook"},
    {PRE("^\"snat\": \"192.0.2.1\""), P0 "/snat", "input or postrouting"},
    {POST("^\"dnat\": \"192.0.2.1\""), S0 "/dnat", "prerouting or output"},
    {PRE("^\"masquerade\": true"), P0 "/masquerade", "is not allowed in hook"},
    {POST("^\"redirect\": true"), S0 "/redirect", "is not allowed in hook"},
    {FWD("^\"random\": true"), F0 "/random", "needs a translation; add"},
    {POST("\"masquerade\": ^false"), S0 "/masquerade",
     "false is not allowed here;"},
    {POST("\"masquerade\": {^\"port\": 1}"), S0 "/masquerade/port",
     "did you mean \"ports\""},
    {POST("\"masquerade\": ^{\"ports\": \"1-2\"}"), S0 "/masquerade",
     "a port needs a protocol that"},
    {POST("\"proto\": \"tcp\", \"masquerade\": {\"ports\": ^\"0-2\"}"),
     S0 "/masquerade/ports", "is not a range of ports; use"},
    {POST("\"snat\": ^\"192.0.2.1:80\""), S0 "/snat",
     "a port needs a protocol that"},
    {POST("\"proto\": \"udp\", \"snat\": \"192.0.2.1:80\", \"ports\": ^81"),
     S0 "/ports", "twice"},
    {POST("\"snat\": ^\"192.0.2\""), S0 "/snat", "is not an address to"},
    {POST("\"snat\": ^\":80\""), S0 "/snat", "is not an address to"},
    {POST("\"snat\": ^\"192.0.2.9-192.0.2.1\""), S0 "/snat",
     "is not an address to"},
    {POST("\"snat\": ^\"192.0.2.1:0\""), S0 "/snat", "is not an address to"},
    {POST("\"snat\": ^\"224.0.0.1\""), S0 "/snat", "multicast"},
    {PRE("\"dnat\": ^\"127.0.0.1\""), P0 "/dnat", "loopback"},
    {PRE("\"dnat\": ^\"[fd00::1:80\""), P0 "/dnat", "is not an address to"},
    {"\"rules\": {\"prerouting\": [^{\"dst\": \"10.0.0.1\", \"dnat\": "
     "\"fd00::1\"}]}",
     P0, "a rule for IPv4 and IPv6 at"},
    /* more than one worker */
    {"\"workers\": 2, " PRE("\"dnat\": ^\"10.0.1.2\""), P0 "/dnat",
     "this rule's dst does not tell"},
    {"\"workers\": 2, " PRE("\"dst\": \"203.0.113.1\", \"dnat\": "
                            "^\"10.0.1.2-10.0.1.3\""),
     P0 "/dnat", "different workers"},
    {"\"workers\": 2, " PRE("\"dst\": \"198.51.100.1\", \"proto\": \"tcp\", "
                            "\"dnat\": ^\"10.0.1.2\""),
     P0 "/dnat", "every port"},
    {"\"workers\": 4, " POST("\"proto\": \"udp\", \"snat\": "
                             "^\"192.0.2.1:5000-5002\""),
     S0 "/snat", "at least 4 ports"},
    {"\"workers\": 3, " POST("\"proto\": \"udp\", \"masquerade\": true, "
                             "\"ports\": ^\"5000-5001\""),
     S0 "/ports", "at least 3 ports"},
};

static void each_error_has_its_place_and_says_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *mark = strchr(bad[i].extra, '^');
        unsigned column = (unsigned)(mark - bad[i].extra) + 1;
        char text[2048];
        struct config *c;
        struct told t;

        snprintf(text, sizeof(text), "{" IFACES "%.*s%s}", (int)(column - 1),
                 bad[i].extra, mark + 1);
        if (parse(text, &c, &t) != 2)
            fail_msg("taken: %s", bad[i].extra);
        assert_null(c);
        if (t.n != 1 || t.line != 2 || t.column != column ||
            strcmp(t.pointer, bad[i].pointer) != 0 ||
            strstr(t.message, bad[i].says) == NULL)
            fail_msg("%s\n answers %u errors, %u:%u (not %u) %s: %s",
                     bad[i].extra, t.n, t.line, t.column, column, t.pointer,
                     t.message);
        assert_non_null(strstr(t.message, "; "));
    }
}

/* Interfaces are what every other row takes for granted: whole files. */
#define LAN(body) "{\"interfaces\": {\"lan\": {" body "},\n\"wan\": " WAN "}}"
#define WAN       "{\"tun\": \"w0\", \"side\": \"outside\"}"
#define TUN       "\"tun\": \"l0\", \"side\": \"inside\""
static const struct {
    const char *text, *pointer, *says;
} bad_ifaces[] = {
    {"^{}", "", "and \"interfaces\" are both"},
    {"^[]", "", "a list is not allowed here;"},
    {"^7", "", "7 is not allowed here; use an"},
    {"{\"interfaces\": ^{}}", "/interfaces", "2 to 16"},
    {"{\"interfaces\": ^[]}", "/interfaces", "2 to 16"},
    {"{\"interfaces\": ^{\"wan\": " WAN "}}", "/interfaces", "with 1 entries"},
    {"{\"interfaces\": {^\"a b\": {}, \"x\": " WAN "}}", "/interfaces/a b",
     "is not allowed as the name of"},
    {"{\"interfaces\": {\"lan\": ^7, \"x\": " WAN "}}", "/interfaces/lan",
     "7 is not allowed here; use an"},
    {"{\"interfaces\": {\"lan\": ^{\"side\": \"inside\"}, \"x\": " WAN "}}",
     "/interfaces/lan", "\"tun\" is missing"},
    {"{\"interfaces\": {\"lan\": ^{\"tun\": \"l0\"}, \"x\": " WAN "}}",
     "/interfaces/lan", "\"side\" is missing"},
    {LAN("\"tun\": ^\"l/0\", \"side\": \"inside\""), "/interfaces/lan/tun",
     "is not allowed as the name of"},
    {LAN("\"tun\": ^\"tun%d\", \"side\": \"inside\""), "/interfaces/lan/tun",
     "is not allowed as the name of"},
    {LAN("\"tun\": ^\"a234567890123456\", \"side\": \"inside\""),
     "/interfaces/lan/tun", "1 to 15 bytes"},
    {LAN(TUN ", \"mtu\": ^67"), "/interfaces/lan/mtu", "from 68 to 65535"},
    {LAN(TUN ", \"mtu\": ^1279, \"address\": [\"fd00::1/64\"]"),
     "/interfaces/lan/mtu", "at least 1280"},
    {LAN(TUN ", \"address\": [^\"10.0.0.1\"]"), "/interfaces/lan/address/0",
     "prefix length"},
    {LAN(TUN ", \"address\": [^\"10.0.0.0/24\"]"), "/interfaces/lan/address/0",
     "first or last"},
    {LAN(TUN ", \"address\": [^\"10.0.0.255/24\"]"),
     "/interfaces/lan/address/0", "first or last"},
    {LAN(TUN ", \"address\": [^\"127.0.0.1/8\"]"), "/interfaces/lan/address/0",
     "loopback"},
    {LAN(TUN ", \"address\": [^\"ff02::1/64\"]"), "/interfaces/lan/address/0",
     "multicast"},
    {LAN(TUN ", \"address\": [^\"fe80::1/64\"]"), "/interfaces/lan/address/0",
     "link-local"},
    {LAN(TUN ", \"address\": [\"10.0.0.1/24\", ^\"10.0.0.1/8\"]"),
     "/interfaces/lan/address/1", "already"},
    {LAN(TUN ", \"address\": [\"10.0.0.1/24\"], \"kernel_address\": "
             "^\"10.0.0.1/24\""),
     "/interfaces/lan/kernel_address", "already"},
    {"{\"interfaces\": {\"lan\": {" TUN "}, \"wan\": " WAN "}, \"rules\": "
     "{\"forward\": [{\"dst\": ^\"wan\"}]}}",
     "/rules/forward/0/dst", "has no address"},
    {LAN(TUN ", ^\"adress\": []"), "/interfaces/lan/adress",
     "did you mean \"address\""},
    {"{\"interfaces\": {\"lan\": {\"tun\": \"w0\", \"side\": \"inside\"}, "
     "\"wan\": {\"tun\": ^\"w0\", \"side\": \"outside\"}}}",
     "/interfaces/wan/tun", "interface \"lan\" already has"},
    {"{\"interfaces\": {\"a\": {" TUN ", \"address\": [\"10.0.0.1/24\"]}, "
     "\"b\": {\"tun\": \"w\", \"side\": \"inside\", \"address\": "
     "^[\"10.0.0.2/24\"]}}}",
     "/interfaces/b/address", "interface \"a\" is already"},
    {"{\"interfaces\": {\"a\": {" TUN ", \"address\": [\"10.0.0.1/24\"]}, "
     "\"b\": {\"tun\": \"w\", \"side\": \"inside\", \"address\": "
     "^[\"10.0.0.2/24\"]}}, \"rules\": {\"prerouting\": [{\"in\": \"a\", "
     "\"set_zone_orig\": 1}]}}",
     "/interfaces/b/address", "\"set_zone_orig\" for each"},
    /* syntax, told alone */
    {"{\"a\": [1 ^2], \"a\": }", "/a/0", "',' or ]"},
    {"{\"a\": 1, ^\"a\": 2}", "/a", "this key is set twice; use"},
    {"{\"b\": {\"q\\\"\": 1, /* \" */ ^\"q\\\"\" : 2}}", "/b/q\\\"",
     "this key is set twice; use"},
    {"^", "", "ends too early"},
};

static void interfaces_and_syntax_are_checked_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_ifaces) / sizeof(bad_ifaces[0]); i++) {
        const char *mark = strchr(bad_ifaces[i].text, '^');
        unsigned column = (unsigned)(mark - bad_ifaces[i].text) + 1;
        char text[1024];
        struct config *c;
        struct told t;

        snprintf(text, sizeof(text), "%.*s%s", (int)(column - 1),
                 bad_ifaces[i].text, mark + 1);
        assert_int_equal(parse(text, &c, &t), 2);
        if (t.n != 1 || t.line != 1 || t.column != column ||
            strcmp(t.pointer, bad_ifaces[i].pointer) != 0 ||
            strstr(t.message, bad_ifaces[i].says) == NULL)
            fail_msg("%s\n answers %u errors, %u:%u (not %u) %s: %s",
                     bad_ifaces[i].text, t.n, t.line, t.column, column,
                     t.pointer, t.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_place_and_says_what),
        cmocka_unit_test(interfaces_and_syntax_are_checked_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
