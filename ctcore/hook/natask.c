/* natask.c - walk the rules of a hook's NAT stage for one side of a flow
 *
 * Behind that stands the same question about a packet without an entry: of what
 * is unknown then, a translation may be met, and an exemption must be. */
#include "hook/natask.h"

#include "hook/rulewalk.h"
#include "packet/parse.h"
#include "packet/parse_inner.h"
#include "proto/protos.h"

#include <string.h>

/* ---- which rule ---- */

enum asked { UNMET, MET, EXEMPT };

/* A walk over the rules of a hook's NAT stage begins. */
static void start_walk(const struct ct *ct, const struct ct_pkt *pkt,
                       struct natask *ask)
{
    ask->rules = rulewalk_stage(ct, pkt, CT_STAGE_NAT, ask->unknown);
    ask->accepts = rulewalk_stage(ct, pkt, CT_STAGE_FILTER, ask->unknown);
    /* A translation with a limit would let others leave as they are; and
     * filter, not NAT, takes the tokens of an accept. */
    ask->rules.unlimited = ask->accepts.unlimited = true;
}

/* Does pkt meet r, which it may meet, for sure?  The state of a packet without
 * an entry is unknown, but a rule that names `invalid` means it. */
static bool is_sure(const struct rulewalk *w, const struct ct_rule *r,
                    const struct ct_pkt *pkt)
{
    struct ruleset_unknown unknown;

    if (!w->unknown)
        return true;
    unknown = *w->unknown;
    if (pkt->info == CT_INVALID && (r->match.info.of >> CT_INVALID & 1) &&
        !r->match.info.negate)
        unknown.facts &= ~(uint32_t)CT_FACT_STATE;
    return !ruleset_maybe(r, pkt, &unknown);
}

/* An accept that stands before the rule in its list ends translation, as in a
 * chain of nft.  Those before it were looked at for a rule before this one. */
static bool is_exempt(struct ct *ct, const struct ct_rule *rule,
                      const struct ct_pkt *pkt, struct natask *ask, bool *sure)
{
    const struct ct_rule *r;

    ask->accepts.end =
        ct->rules->start[pkt->hook][CT_STAGE_FILTER] + rule->accepts_before;
    while ((r = rulewalk_next(ct, pkt, &ask->accepts)) != NULL)
        if (r->action == CT_ACT_ACCEPT) {
            *sure = is_sure(&ask->accepts, r, pkt);
            return true;
        }
    return false;
}

/* The next rule of this hook's NAT stage that is, or may be, done to this
 * packet, when MET; or what exempts it, or may.  *sure: no other may be. */
static enum asked ask_rules(struct ct *ct, const struct ct_pkt *pkt,
                            struct natask *ask, bool *sure,
                            const struct ct_rule **met)
{
    const struct ct_rule *r;

    *met = NULL;
    *sure = true;
    if (!ct->rules)
        return UNMET;
    if (!ask->begun)
        start_walk(ct, pkt, ask);
    ask->begun = true;
    while ((r = rulewalk_next(ct, pkt, &ask->rules)) != NULL) {
        if (r->nat.family && r->nat.family != pkt->tuple.family)
            continue;
        if (is_exempt(ct, r, pkt, ask, sure)) {
            ask->rules.at--; /* if it is not, after all, then this one */
            return EXEMPT;
        }
        if (ask->count)
            core_met(ct, ask->rules.at - 1, pkt);
        if (r->action < CT_ACT_SNAT)
            continue;
        *sure = is_sure(&ask->rules, r, pkt);
        if (r->action == CT_ACT_NO_NAT)
            return EXEMPT;
        *met = r;
        return MET;
    }
    *sure = true;
    return UNMET;
}

/* ---- the router's own addresses ---- */

static const union ct_addr *iface_addr(const struct ct *ct, uint8_t iface,
                                       uint8_t family)
{
    const struct ct_iface *f;

    if (iface >= ct->ifaces.n)
        return NULL;
    f = &ct->ifaces.iface[iface];
    for (int i = 0; i < f->n_addrs; i++)
        if (f->family[i] == family)
            return &f->addr[i];
    return NULL;
}

/* In gateway mode, what an inside interface without an address of its family
 * uses, and redirect from there: the first outside one's.  An outside one never
 * speaks with another's. */
static uint8_t address_iface(const struct ct *ct, uint8_t iface)
{
    if (iface < ct->ifaces.n && !ct->ifaces.iface[iface].inside)
        return iface;
    for (uint8_t i = 0; ct->ifaces.host && i < ct->ifaces.n; i++)
        if (!ct->ifaces.iface[i].inside)
            return i;
    return iface;
}

/* How near host is to address i of f.  IPv4: is he in its subnet?  IPv6: as
 * many bits of its prefix are his, too (RFC 6724 rule 8). */
static unsigned common_prefix_len(const struct ct_iface *f, unsigned i,
                                  const union ct_addr *host)
{
    unsigned n = 0, most = f->prefix[i];

    while (n < most &&
           !((f->addr[i].b[n / 8] ^ host->b[n / 8]) & 0x80u >> n % 8))
        n++;
    return f->family[i] == CT_IPV4 ? n == most : n;
}

/* The address of an interface from which it would speak to host: the nearest,
 * the first of several.  A TUN has no gateway: host is the next hop. */
static const union ct_addr *nearest_addr(const struct ct *ct, uint8_t iface,
                                         uint8_t family,
                                         const union ct_addr *host)
{
    const union ct_addr *best = iface_addr(ct, iface, family);
    const struct ct_iface *f = ct->ifaces.iface;
    unsigned most = 0;

    if (!best)
        return NULL;
    f += iface;
    for (unsigned i = 0; i < f->n_addrs; i++) {
        unsigned near =
            f->family[i] == family ? common_prefix_len(f, i, host) : 0;

        if (near > most) {
            most = near;
            best = &f->addr[i];
        }
    }
    return best;
}

/* The address that masquerade hides a packet behind, and whose it is.  As an
 * unnumbered link has none, it borrows one: an outside one, for an inside one
 * is no address to be seen there. */
static const union ct_addr *hiding_addr(const struct ct *ct,
                                        const struct ct_pkt *pkt, uint8_t *by)
{
    const union ct_addr *host = &pkt->conn->tuple[CT_DIR_REPLY].src, *own;
    uint8_t family = pkt->tuple.family, link = pkt->out;

    if (!iface_addr(ct, link, family))
        link = address_iface(ct, link);
    *by = link;
    own = nearest_addr(ct, link, family, host);
    if (own || link >= ct->ifaces.n || !ct->ifaces.iface[link].unnumbered)
        return own;
    for (uint8_t i = 0; !own && i < ct->ifaces.n; i++) {
        if (ct->ifaces.iface[i].inside)
            continue;
        *by = i;
        own = nearest_addr(ct, i, family, host);
    }
    return own;
}

/* The outside interface that has this address, or CT_NO_IFACE. */
static uint8_t outside_iface_of(const struct ct *ct, const struct ct_tuple *t)
{
    for (uint8_t i = 0; i < ct->ifaces.n; i++) {
        const struct ct_iface *f = &ct->ifaces.iface[i];

        if (!f->inside && core_has_address(f, t->family, &t->dst))
            return i;
    }
    return CT_NO_IFACE;
}

static void one_addr(struct ct_nat_range *range, const union ct_addr *addr,
                     uint8_t family)
{
    range->family = family;
    range->has_addr = true;
    range->lo = range->hi = *addr;
}

/* The same host in the rule's prefix. */
static void map_host(struct ct_nat_range *range, const struct ct_rule *rule,
                     union ct_addr host)
{
    for (unsigned i = 0, bits = rule->prefix; i < sizeof host.b && bits; i++) {
        unsigned take = bits < 8 ? bits : 8;
        uint8_t net = (uint8_t)(0xff00u >> take);

        host.b[i] = (uint8_t)((host.b[i] & ~net) | (rule->nat.lo.b[i] & net));
        bits -= take;
    }
    one_addr(range, &host, rule->nat.family);
}

/* ---- each side ---- */

static void one_port(struct ct_nat_range *range, uint16_t port)
{
    range->has_ports = true;
    range->port_lo = range->port_hi = port;
}

/* nat.hairpin: a packet from inside to an outside address of ours is asked as
 * if it had come in there (RFC 4787 REQ-9), where a tenant's zone counts for
 * the answers only.  MET with *met NULL: a is about the mapping that has this
 * address. */
static enum asked ask_hairpin(struct ct *ct, struct ct_pkt *pkt,
                              struct natask *ask, struct natask_answer *a,
                              const struct ct_rule **met)
{
    const struct mapping *m;
    uint8_t in = pkt->in, out = outside_iface_of(ct, &pkt->tuple);
    union ct_addr addr;
    enum asked asked;

    if (out == CT_NO_IFACE || !core_is_inside(ct, in))
        return UNMET;
    if (!ask->hairpin)
        ask->begun = false; /* the same rules, for it as it is now */
    ask->hairpin = true;
    pkt->in = out;
    asked = ask_rules(ct, pkt, ask, &a->sure, met);
    pkt->in = in;
    if (asked != UNMET)
        return asked;
    m = mapping_by_outside(&ct->nat, pkt->zone_reply, pkt->tuple.proto,
                           &pkt->tuple.dst, portmap_port(&pkt->tuple));
    if (!m || m->family != pkt->tuple.family || !ct_proto_has_ports(m->proto))
        return UNMET;
    memcpy(addr.b, m->inside, sizeof addr.b);
    one_addr(&a->range, &addr, m->family);
    one_port(&a->range, m->inside_port);
    a->way = core_conn(ct, m->flows)->in;
    return MET;
}

/* A flow that was announced by a translated one is translated as that is: what
 * range says of that side.  False: it is asked of the rules.
 *
 * Its master's packets of the same direction have these addresses at the other
 * end: those of the opposite tuple, turned.  The port belongs to where it goes;
 * a GRE key to the master's originator, on whichever side it is. */
static bool follow_master(struct ct *ct, const struct ct_pkt *pkt,
                          enum mangle_side side, struct ct_nat_range *range,
                          uint8_t *by)
{
    const struct ct_conn *c = pkt->conn;
    const struct ext *x =
        ext_of(&ct->ext, table_slot(&ct->table, c), EXT_MASTER);
    const struct ct_tuple *other, *was = &c->tuple[CT_DIR_REPLY];
    const struct ct_conn *master;
    bool has_port = side == MANGLE_DST;

    if (!x || !x->master.translated)
        return false;
    master = core_conn(ct, x->master.slot);
    if (master->gen != x->master.gen)
        return false;
    other = &master->tuple[!x->master.dir];
    if (pkt->tuple.proto == CT_PROTO_GRE)
        has_port = (side == MANGLE_SRC) == (x->master.dir == CT_DIR_ORIGINAL);
    one_addr(range, side == MANGLE_SRC ? &other->dst : &other->src,
             other->family);
    range->has_ports = has_port;
    range->port_lo = range->port_hi = x->master.port;
    /* A source that stays what it is keeps its port, too. */
    if (side == MANGLE_SRC && !has_port && ct_addr_eq(&range->lo, &was->dst))
        range->family = 0;
    if (side == MANGLE_SRC && x->master.dir == CT_DIR_ORIGINAL)
        *by = master->hidden_by;
    return true;
}

/* Fill a with what the rules want done to the destination. */
static enum ct_reason ask_dst(struct ct *ct, struct ct_pkt *pkt,
                              struct natask *ask, struct natask_answer *a)
{
    const struct ct_rule *rule = NULL;
    const union ct_addr *own;
    enum asked asked = UNMET;

    if (!ask->hairpin)
        asked = ask_rules(ct, pkt, ask, &a->sure, &rule);
    if (asked == UNMET && ct->hairpin && pkt->hook == CT_PREROUTING)
        asked = ask_hairpin(ct, pkt, ask, a, &rule);
    a->found = asked == MET;
    if (!rule)
        return CT_REASON_NONE;
    a->range = rule->nat;
    if (rule->action == CT_ACT_NETMAP)
        map_host(&a->range, rule, pkt->tuple.dst);
    if (rule->nat.shifts)
        one_port(&a->range, (uint16_t)(rule->nat.port_lo + pkt->tuple.dport -
                                       rule->match.dport.r[0].lo));
    if (rule->action == CT_ACT_REDIRECT) {
        own = iface_addr(ct, address_iface(ct, pkt->in), pkt->tuple.family);
        if (!own)
            return CT_REASON_NO_ADDRESS;
        one_addr(&a->range, own, pkt->tuple.family);
    }
    return CT_REASON_NONE;
}

static enum ct_reason ask_src(struct ct *ct, struct ct_pkt *pkt,
                              struct natask *ask, struct natask_answer *a)
{
    const struct ct_conn *c = pkt->conn;
    const struct ct_rule *rule;
    const union ct_addr *own;
    enum asked asked = ask_rules(ct, pkt, ask, &a->sure, &rule);

    a->found = asked == MET;
    if (rule)
        a->range = rule->nat;
    if (rule && rule->action == CT_ACT_MASQUERADE) {
        own = hiding_addr(ct, pkt, &a->by);
        if (!own)
            return CT_REASON_NO_ADDRESS;
        one_addr(&a->range, own, pkt->tuple.family);
    }
    if (rule && rule->action == CT_ACT_NETMAP)
        map_host(&a->range, rule, c->tuple[CT_DIR_ORIGINAL].src);
    if (asked == UNMET && ct->hairpin && (c->status & CT_DST_NAT) &&
        core_is_inside(ct, pkt->in) && core_is_inside(ct, pkt->out)) {
        one_addr(&a->range, &c->tuple[CT_DIR_ORIGINAL].dst, pkt->tuple.family);
        a->found = true;
    }
    return CT_REASON_NONE;
}

enum ct_reason natask_side(struct ct *ct, struct ct_pkt *pkt,
                           enum mangle_side side, struct natask *ask,
                           struct natask_answer *a)
{
    *a = (struct natask_answer){
        .sure = true, .by = CT_NO_IFACE, .way = CT_NO_IFACE};
    if ((pkt->conn->status & CT_EXPECTED) &&
        follow_master(ct, pkt, side, &a->range, &a->by)) {
        a->found = a->range.family != 0;
        return CT_REASON_NONE;
    }
    return side == MANGLE_SRC ? ask_src(ct, pkt, ask, a)
                              : ask_dst(ct, pkt, ask, a);
}

/* ---- a packet without an entry ---- */

/* May a rule of its hook translate it? */
static bool may_translate(struct ct *ct, const struct ct_pkt *pkt,
                          const struct ruleset_unknown *unknown)
{
    struct natask ask = {.unknown = unknown};
    const struct ct_rule *rule;
    bool sure;

    do
        ask_rules(ct, pkt, &ask, &sure, &rule);
    while (!rule && !sure);
    return rule != NULL;
}

/* May one hide it, as it stands or as destination NAT may have sent it? */
static bool may_hide(struct ct *ct, const struct ct_pkt *pkt,
                     struct ruleset_unknown unknown)
{
    struct ct_pkt before;

    if (may_translate(ct, pkt, &unknown))
        return true;
    before = *pkt;
    before.hook = pkt->in == CT_NO_IFACE ? CT_OUTPUT : CT_PREROUTING;
    if (!may_translate(ct, &before, &unknown))
        return false;
    unknown.facts |= CT_FACT_TO;
    return may_translate(ct, pkt, &unknown);
}

/* Or the flow that an ICMP error is about?  What it quotes came the other way.
 */
static bool may_hide_quoted(struct ct *ct, const struct ct_pkt *pkt,
                            struct ruleset_unknown unknown)
{
    uint8_t bytes[RULESET_HEAD] = {0};
    struct ct_pkt about = *pkt;
    struct ct_tuple t;
    struct inner in;

    unknown.facts |= CT_FACT_L4;
    if (pkt->l4_bad || parse_inner(pkt, &in) != CT_REASON_NONE) {
        unknown.facts |= CT_FACT_QUOTE;
        return may_hide(ct, pkt, unknown);
    }
    t = in.tuple;
    t.src = in.tuple.dst;
    t.dst = in.tuple.src;
    t.zone = pkt->tuple.zone;
    if (ct_proto_has_ports(t.proto)) {
        t.sport = in.tuple.dport;
        t.dport = in.tuple.sport;
        unknown.facts &= ~(uint32_t)CT_FACT_L4;
    }
    ruleset_pretend(&about, &t, bytes);
    return may_hide(ct, &about, unknown);
}

bool natask_is_hidden(struct ct *ct, const struct ct_pkt *pkt)
{
    const struct ruleset_unknown unknown = {
        .facts = CT_FACT_CT | CT_FACT_STATE | CT_FACT_PACKET |
                 (pkt->l4_bad ? (uint32_t)CT_FACT_L4 : 0)};

    if (may_hide(ct, pkt, unknown))
        return true;
    return ct_proto_is_icmp(pkt->tuple.proto) &&
           (pkt->icmp_error || pkt->l4_bad) &&
           may_hide_quoted(ct, pkt, unknown);
}
