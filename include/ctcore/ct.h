/* ct.h - the face of the core: connection tracking and NAT without I/O
 *
 * One struct ct is one shard: one table, written by one thread, the owner.
 * Functions marked "any thread" may be called by others at any time; they read
 * without a lock and never wait for the owner.  Everything else is the owner's.
 *
 *     ct_begin(ct, now);                          once a batch
 *     ct_parse(ct, pkt) -> reason                 once a packet
 *     ct_hook(ct, CT_PREROUTING, pkt)             then the caller routes:
 *     ct_hook(ct, CT_FORWARD, pkt)                  ... or CT_INPUT
 *     ct_hook(ct, CT_POSTROUTING, pkt)
 *     ct_done(ct, pkt)                            always, whatever happened
 *
 * Nothing allocates; the answer for one packet never depends on how packets
 * were cut into batches.  Same packets, times, key and seed: same bytes out. */
#ifndef CTCORE_CT_H
#define CTCORE_CT_H

#include <ctcore/event.h>
#include <ctcore/lists.h>
#include <ctcore/option.h>
#include <ctcore/options.def>
#include <ctcore/pkt.h>
#include <ctcore/rules.h>

struct ct;

/* What the core knows of the router's interfaces. */
struct ct_iface {
    bool inside;
    bool unnumbered; /* without an address masquerade borrows one of an outside
                        interface's */
    uint16_t mtu;    /* 0: not known */
    uint8_t n_addrs;
    union ct_addr addr[8]; /* the router's own; redirect uses the first of a */
    uint8_t family[8]; /*  family, masquerade the one nearest to its remote */
    uint8_t prefix[8]; /* length of each; 0: not known */
};

struct ct_ifaces {
    uint32_t n;
    bool host; /* the router's own services are behind a device, too, and only
                  by outside addresses: masquerade and redirect use the first
                  outside interface's, whichever way the packet goes */
    struct ct_iface iface[CT_MAX_IFACES];
};

struct ct_config {
    /* uint32_t max: entries, unconfirmed ones included, 16 or more;
     * uint32_t buckets: a power of two or rounded up to one, 0: max;
     * profile: enum ct_profile; on_full: enum ct_on_full;
     * bool acct, timestamp, hairpin. */
    CT_OPTIONS(CT_OPTION_FIELD)
    uint32_t shard, n_shards; /* owns external ports p: p % n == shard */
    uint32_t portmaps;        /* (address, protocol) pairs counted; 0: 8 */
    bool fragments;           /* put them together; params say the limits */
    uint8_t key[16];          /* SipHash key of the table: from real entropy */
    uint64_t seed;            /* port choice and other chances */
    struct ct_params params;  /* ct_params_default(), then changed */

    /* Effects.  Each may be NULL.  Called by the owner, during a call of his.
     * event's argument lives for that call only. */
    void *ctx;
    void (*event)(void *ctx, const struct ct_event *ev);
    /* A packet met a rule that logs; at most log_rate a second for each rule.
     * False: it finds no room, and is counted as suppressed. */
    bool (*log)(void *ctx, const struct ct_log *log);
    /* A packet some row QUEUEd, for the program of pkt->queue.  QUEUE: a copy
     * was taken, which comes back by ct_resume(); ACCEPT: it goes on behind
     * that row, unasked; DROP: for pkt->why, else NO_QUEUE.  NULL: no
     * program listens, and it is dropped. */
    enum ct_verdict (*queue)(void *ctx, struct ct_pkt *pkt);
};

/* Does that protocol's tracker know this duration, a row of params.def? */
bool ct_timeout_is_of(unsigned param, uint8_t proto);
/* What it calls its state of that number; NULL: it has no such state, or no
 * names for them. */
const char *ct_state_name(uint8_t proto, unsigned state);

void ct_params_default(struct ct_params *params, enum ct_profile profile);

/* Bytes that ct_init() needs for this configuration; 0: out of range. */
size_t ct_size(const struct ct_config *config);

/* Make a core inside block (ct_size() bytes, aligned to 64, zeroed or not).
 * => block is borrowed until the caller stops using the core; there is nothing
 *    to tear down.
 * => NULL when the configuration is out of range. */
struct ct *ct_init(void *block, const struct ct_config *config, ct_time now);

/* ---- configuration that may change while it runs ---- */

/* Use these rules from now on; flows keep what they were given.
 * counts has rules->n entries, zeroed by the caller, and is written here.
 * Both are borrowed until the next call.  NULL rules: none, policy accept. */
void ct_set_rules(struct ct *ct, const struct ct_ruleset *rules,
                  struct ct_rule_count *counts);

/* After ct_set_rules(): end the flows that the rules of now would drop, not
 * track, put into another zone or translate otherwise, were their first packets
 * to come now; all others stay.  In slices, as ct_flush_some(): budget slots
 * from *from on; true when that was the last.  CT_STAT_revoked counts them.
 * Registered hook functions are not asked, for there is no packet; who has
 * changed his mind ends flows by ct_delete(). */
bool ct_revalidate_some(struct ct *ct, uint32_t *from, uint32_t budget);

/* By which interface a packet to dst would leave now; CT_NO_IFACE: by none.
 * pkt is not whole: it says where the flow stands.  With it
 * ct_revalidate_some() asks the rules with the routes of now, else with those
 * of the flow's last packet. */
typedef uint8_t ct_route_fn(void *ctx, const struct ct_pkt *pkt,
                            const union ct_addr *dst);
void ct_set_route(struct ct *ct, ct_route_fn *fn, void *ctx);

/* What rules with a connlimit count by: bytes for a shard of max entries; 0:
 * none of them has one. */
size_t ct_connlimit_size(const struct ct_ruleset *rules, uint32_t max);
/* To be called right before ct_set_rules() with the same rules.  What is
 * counted goes on for rules that were there before; flow by flow it moves to
 * the new block, by ct_settle_some(), and counts in either meanwhile; other
 * shards see what has moved.
 * => block has that size and is zeroed, aligned to 8; borrowed until
 *    ct_settle_some() is done behind the next call.  NULL when the size is 0.
 * => what the call before began is settled; else it is settled here, whole.
 * => before: by rule, its index in the rules that are in use now, or CT_NONE;
 *    NULL: none was there. */
void ct_set_connlimit(struct ct *ct, const struct ct_ruleset *rules,
                      void *block, const uint32_t *before);

/* Right behind ct_set_rules(): counts and connlimit blocks of all shards for
 * these rules, all[i] shard i's, this one's included.  Limits then hold for all
 * together.  Borrowed as those are; another shard may not use its own yet.
 * NULL: there is one shard. */
void ct_set_shared(struct ct *ct, struct ct_rule_count *const counts[],
                   void *const connlimits[]);

/* Copied.  Flows masqueraded behind an address that is gone are over: each ends
 * with its next packet, which begins a flow as any other, or by
 * ct_settle_some(). */
void ct_set_ifaces(struct ct *ct, const struct ct_ifaces *ifaces);

/* Look at budget slots at most for what these two calls have changed.  True:
 * that is all.  ct_tick() does it, too, and says 0 until it is. */
bool ct_settle_some(struct ct *ct, uint32_t budget);

/* The shards of one router look into each other's tables: all[i] is shard i,
 * this one included, n_shards of them.  A packet opens a flow here only when no
 * shard has it, and none that has not taken today's steering may open it.
 * => all were made with the same key, buckets and max; to be called once,
 *    before the first packet of any of them. */
void ct_set_peers(struct ct *ct, const struct ct *const all[]);

/* Static forwards own their outside ports: with more than one shard, and in
 * profiles weir and rfc, only flows of its own host are hidden behind one (a
 * reply to another's would be taken for the forward's).  Borrowed until the
 * next call; with peers until all of them have taken the next one, and this one
 * has been called since then. When serial is another than before, ct_tick()
 * looks for flows of this shard that packets don't find here any more: they
 * stay here, and the others ask for them as long as there are any
 * (CT_STAT_strays). */
struct ct_steer;
void ct_set_steer(struct ct *ct, const struct ct_steer *steer);

/* Ports that no flow is hidden behind: the router's own listeners.  Bit p & 63
 * of word p >> 6 is port p.  A flow that keeps its own source address (the
 * router's own) may have them.
 * => borrowed for good; another thread may change them at any time, word by
 *    word, by atomic stores: flows keep what they were given.  NULL: none. */
struct ct_reserved {
    uint64_t word[1024];
};
void ct_set_reserved(struct ct *ct, const struct ct_reserved *tcp,
                     const struct ct_reserved *udp);

/* Of the same kind: ports that have been taken away from those that had them. A
 * flow that is hidden behind one of them, and one of the router's own
 * addresses, ends at its next packet.
 * => borrowed as above; to be reserved, too. */
void ct_set_taken(struct ct *ct, const struct ct_reserved *tcp,
                  const struct ct_reserved *udp);

/* What may change of the sizes, up to what there was at the start: entries, 0
 * for all there is room for; extensions and expect_max are params.  Entries,
 * and what they count, stay when there are more than that: none is added then
 * but in place of another.  acct and timestamp can be turned on again, not on.
 */
struct ct_limits {
    uint32_t max;
    bool acct, timestamp;
};
void ct_set_limits(struct ct *ct, const struct ct_limits *limits);

/* port_quarantine and source_share need their room from the start: 0 then, and
 * they stay off. */
void ct_set_params(struct ct *ct, const struct ct_params *params);
/* Owner only. */
const struct ct_params *ct_params(const struct ct *ct);

/* Which events to make; 0 (the start) makes none and costs nothing. */
void ct_subscribe(struct ct *ct, uint32_t mask);

/* A row of the hook table.  fn sees every packet of that hook and answers with
 * a verdict; REPEAT calls it again, 8 times at most; STOP skips the rows behind
 * it but those of NAT (nat_dst, nat_src, ip_id), helpers and confirm.  DROP may
 * set pkt->why, else HOOK is counted.  STOLEN: fn has copied what it needs.
 * Returns false when the table is full (16 rows a hook). */
typedef enum ct_verdict ct_hook_fn(void *ctx, struct ct *ct,
                                   struct ct_pkt *pkt);
bool ct_register_hook(struct ct *ct, enum ct_hook hook, int priority,
                      const char *name, ct_hook_fn *fn, void *ctx);
/* Row by row as they are asked: false past the end. */
bool ct_hook_row(const struct ct *ct, enum ct_hook hook, unsigned row,
                 int *priority, const char **name);

/* ---- packets ---- */

/* now must never be earlier than in any previous call. */
void ct_begin(struct ct *ct, ct_time now);

/* Check the packet and find its tuple.  Anything but NONE: drop it, and count
 * it with ct_drop().  Trailing bytes behind the IP length are cut off
 * (pkt->len).  A bad transport header is not a refusal: pkt->l4_bad, and
 * conntrack calls it INVALID. */
enum ct_reason ct_parse(struct ct *ct, struct ct_pkt *pkt);

/* The same without a core: for steering, and for tests.  No hash. */
enum ct_reason ct_parse_packet(struct ct_pkt *pkt);

/* Have the table's lines for this packet on their way into the cache. */
void ct_prefetch(const struct ct *ct, const struct ct_pkt *pkt);

/* Of a packet behind PREROUTING: the interface where its flow has the end that
 * it goes to, if that is known.  Else CT_NO_IFACE. */
uint8_t ct_way_back(const struct ct_pkt *pkt);

/* Walk the rows of one hook.
 * ACCEPT  go on with the journey (pkt->data may have been rewritten).
 * DROP    pkt->why says why, and it has been counted.
 * QUEUE, STOLEN  held: see ct_resume().  Counted as held. */
enum ct_verdict ct_hook(struct ct *ct, enum ct_hook hook, struct ct_pkt *pkt);

/* STOLEN with pkt->elsewhere set: the flow of this packet is, or is to be,
 * shard elsewhere - 1's.  Nothing is counted and nothing is held; the caller
 * gives a copy of packet and bytes to that shard, which goes on with this in
 * place of ct_parse() and the first ct_hook(), at the row that stopped here. It
 * is not passed on a second time (STEERED). */
enum ct_verdict ct_take_over(struct ct *ct, struct ct_pkt *pkt);

/* Bring back a held packet (the copy of it): verdict ACCEPT goes on behind the
 * row that held it, STOP asks only those rows that it asks of a hook (see
 * ct_hook_fn), REPEAT asks that row again, DROP counts it for pkt->why, else
 * HOOK.  If its flow ended meanwhile it is dropped, FLOW_ENDED.  If it was to
 * open its flow and another packet did so meanwhile, it joins that
 * (clash_resolve).  Then ct_done() as ever.  A held packet that never comes
 * back keeps its unconfirmed entry. */
enum ct_verdict ct_resume(struct ct *ct, struct ct_pkt *pkt,
                          enum ct_verdict verdict);

/* Before that: its mark, and its flow's, as a rule's set_mark. */
void ct_set_mark(struct ct_pkt *pkt, uint32_t mark);

/* What became of a TCP payload: bytes at .. end - 1 of it, as it was, are now
 * `by` more, or fewer if that is negative; the rest is the same. */
struct ct_resize {
    uint32_t at, end;
    int32_t by; /* 0: as long as it was */
};

/* pkt, a TCP segment of a flow, is about to be held, and the length of its
 * payload may change: from now on the flow's bytes leave in order only.
 * False: the flow is not confirmed yet, or can have no extension record. */
bool ct_resizable(struct ct *ct, const struct ct_pkt *pkt);

/* A held segment, of which pkt->data is as it is to leave, came back so: from
 * now on its flow's numbers are corrected, in both directions.  To be called
 * before ct_resume().
 * => neither payload is empty; the segment has no SYN, RST or URG; at is less
 *    than end and both lengths.
 * => NONE; else it must be dropped for that reason: SEQADJ_FULL, the flow was
 *    not made ct_resizable(); SEQADJ_BUSY, it is to come again, when the change
 *    before has been acknowledged. */
enum ct_reason ct_resized(struct ct *ct, struct ct_pkt *pkt,
                          const struct ct_resize *resize);

/* Which entry a packet has: slot and gen as in struct ct_view; one that waits
 * for confirm can't be read yet.  False: none. */
bool ct_flow_of(const struct ct *ct, const struct ct_pkt *pkt, uint32_t *slot,
                uint32_t *gen);

/* TTL or hop limit down by one, the header checksum with it (RFC 1812 s5.3.1).
 * => it is not 0. */
void ct_ttl_down(struct ct_pkt *pkt);

/* The packet's journey is over, well or not: an entry that was never confirmed
 * goes with it, events go out.  Nothing for a packet that is held. */
void ct_done(struct ct *ct, struct ct_pkt *pkt);

/* Count a drop outside of the hooks; answers DROP.  The only place besides
 * ct_hook() that counts one. */
enum ct_verdict ct_drop(struct ct *ct, struct ct_pkt *pkt, enum ct_reason why);

/* ---- fragments ----
 *
 * ct_parse() answers FRAGMENT for each fragment; tuple is then what it shares
 * with the others of its datagram: addresses, and the id in place of ports. */

/* Take such a packet's bytes (RFC 791 s3.2, RFC 8200 s4.5, RFC 5722, RFC 6946).
 * NONE: taken; if that made its datagram whole, *is_whole and it is in *whole,
 * to be parsed as any packet that arrives.  Else pkt is dropped for this
 * reason, and counted.
 * => whole->data has room for 65,575 bytes, with headroom around it; cuts is
 *    NULL or has room for CT_CUTS words.  The rest of *whole is written.
 * => ct_defrag_expired() takes away what waits for longer than params say; what
 *    it has not reached by the next fragment of its own ends with that one. */
enum ct_reason ct_defrag(struct ct *ct, struct ct_pkt *pkt,
                         struct ct_pkt *whole, bool *is_whole);

/* What a packet at most clears away of that whose time is up: flows when it
 * finds no room, datagrams when it is a fragment, ports that rest when its flow
 * leaves one. */
#define CT_EXPIRE_ON_DEMAND 64u

/* Take away a datagram whose time is up.  False: there is none.
 * => first->len is 0, or its first fragment was there and stands in
 *    first->data (at most CT_REPLY_MAX bytes): its sender may be told, by
 *    ct_reply_error(). */
bool ct_defrag_expired(struct ct *ct, struct ct_pkt *first);

/* ---- packets the router makes itself ----
 *
 * They write into out (room for CT_REPLY_MAX bytes at out->data, with headroom
 * around it), set out->len, kind, in, and what conntrack must know to translate
 * an error as its flow is.  False: none may be sent about that packet (an error
 * about an error, a multicast, a fragment, a rejected one that is damaged), and
 * it is counted: error_of_*.  src is the router's address of
 * pkt's family; NULL lets the error bear the packet's own destination. */
#define CT_REPLY_MAX 1280u
bool ct_reply_error(struct ct *ct, const struct ct_pkt *pkt, uint8_t type,
                    uint8_t code, uint32_t mtu, const union ct_addr *src,
                    struct ct_pkt *out);
bool ct_reply_reset(struct ct *ct, const struct ct_pkt *pkt,
                    struct ct_pkt *out);
/* A reset went out in place of pkt, to its sender alone: his flow is over, the
 * other side does not know.  The kernel's nf_ct_set_closing(). */
void ct_set_closing(struct ct *ct, struct ct_pkt *pkt);
/* Turn an echo request into its reply, in place.  False: it is none. */
bool ct_reply_echo(struct ct *ct, struct ct_pkt *pkt);

/* ---- time ---- */

/* Expire what is due, at most budget entries.  Returns the milliseconds until
 * it wants to be called again (1..1000); 0: at once, there is more. */
uint32_t ct_tick(struct ct *ct, ct_time now, uint32_t budget);

/* ---- changes by hand ---- */

bool ct_delete(struct ct *ct, uint32_t slot, uint32_t gen);
uint32_t ct_flush(struct ct *ct);
/* The same in slices: look at budget slots from *from (0 at first) on.  True
 * when that was the last; flows made meanwhile may go or stay. */
bool ct_flush_some(struct ct *ct, uint32_t *from, uint32_t budget);

/* ---- reading: any thread ---- */

uint32_t ct_slots(const struct ct *ct); /* slots are 0 .. this - 1 */
uint32_t ct_buckets(const struct ct *ct);

/* Copy one connection.  False: that slot holds no confirmed, living flow.
 * now: entries past their time at now are not shown. */
bool ct_read(const struct ct *ct, uint32_t slot, ct_time now,
             struct ct_view *view);

/* The same of announced flows: numbers are 0 .. ct_expects() - 1. */
uint32_t ct_expects(const struct ct *ct);
bool ct_read_expect(const struct ct *ct, uint32_t number, ct_time now,
                    struct ct_expect_view *view);

uint64_t ct_stat(const struct ct *ct, enum ct_stat stat);
uint64_t ct_drops(const struct ct *ct, enum ct_reason reason);

/* Add to a counter of this shard: for the journey, which counts what enters
 * and leaves.  Owner only. */
void ct_count(struct ct *ct, enum ct_stat stat, uint64_t by);

/* ---- who owns a packet: a pure function ---- */

/* Static forwards: outside address and port to the inside host whose shard
 * owns their flows.  Sorted by (family, proto, addr, port_lo), without overlap;
 * read-only.  A row counts wherever its address lies.  ICMP's ports are those
 * of a tuple's dport, type << 8 | code: a row for echo covers the request only,
 * since replies may be to flows hidden behind the same address.  Protocols
 * without ports need no row. */
struct ct_steer_row {
    union ct_addr addr, target;
    uint16_t port_lo, port_hi;
    uint8_t family, proto;
};
struct ct_steer {
    const struct ct_steer_row *rows;
    uint32_t n;
    const struct ct_ifaces *ifaces;
    /* Addresses that flows are hidden behind: sorted by (family, lo), without
     * overlap. */
    const struct ct_addr_range *external;
    const uint8_t *external_family;
    uint32_t n_external;
    /* What is routed by inside interfaces, less what is routed elsewhere from
     * within: sorted by (family, lo), without overlap. */
    const struct ct_addr_range *inside;
    const uint8_t *inside_family;
    uint32_t n_inside;
    uint32_t n_shards;
    uint32_t serial; /* grows with each that owns a flow differently */
    /* What was used until this one, or NULL.  Looked at as long as some shard
     * has not taken this one. */
    const struct ct_steer *before;
    bool host; /* the router's own packets come by a device, too: they are owned
                  by their source port, as their answers are */
    uint8_t key[16];
};
/* Is each packet's owner the same by both?  (A different one may be told of two
 * that are alike; before and serial do not count.) */
bool ct_steer_same(const struct ct_steer *a, const struct ct_steer *b);

/* Needs a parsed packet.  Both directions of a flow and the errors about it
 * have one owner, provided that
 * => a flow whose source is translated gets an outside port (or query id) p
 *    with p % n_shards == its owner, and one that no row of steer covers;
 * => each dnat rule that sends traffic inside has its row, one target a row. */
uint32_t ct_owner(const struct ct_steer *steer, const struct ct_pkt *pkt);
/* The shard where fragments of one datagram meet: parsed, FRAGMENT. */
uint32_t ct_fragment_owner(const struct ct_steer *steer,
                           const struct ct_pkt *pkt);

#endif
