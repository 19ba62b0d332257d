/* pair.c - put a packet into both routers, and write down what became of it */
#include "bytes.h"
#include "pair_impl.h"

#include "journey/walk.h"

#include <ctcore/wire.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pair_clock(struct pair *p)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    p->rig.now.ms = 1000000 + (uint64_t)(t.tv_sec - p->began.tv_sec) * 1000 +
                    (uint64_t)(t.tv_nsec / 1000000);
}

void pair_blank_id(uint8_t *d, size_t len)
{
    bool error = len > 28 && d[0] == 0x45 && (d[1] & 0xe0) == 0xc0 && d[9] == 1;
    uint32_t sum;

    if (len < 20 || d[0] >> 4 != 4)
        return;
    sum = (uint32_t)(~bytes_get16(d + 10) & 0xffff);
    sum += ~(uint32_t)bytes_get16(d + 4) & 0xffff;
    d[4] = d[5] = 0;
    if (error && d[6] & 0x40) {
        sum += ~0x4000u & 0xffff;
        d[6] &= 0xbf;
    }
    bytes_put16(d + 10, (uint16_t)~ct_inet_sum(NULL, 0, sum));
}

/* ---- packets ---- */

enum ct_reason pair_weir_left(void *ctx, struct ct_pkt *pkt)
{
    struct pair *p = ctx;
    uint8_t copy[4096];
    uint32_t len = pkt->len < sizeof copy ? pkt->len : sizeof copy;

    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i])
            twin_sent(p->twin[i], pkt);
    memcpy(copy, pkt->data, len);
    p->calls.left(p->calls.ctx, PAIR_WEIR,
                  !p->rig.ifaces.iface[pkt->out].inside, copy, len);
    return CT_REASON_NONE;
}

static void put_kernel(struct pair *p, bool wan, const uint8_t *d, size_t len)
{
    static const enum kernel_side sides[] = {KERNEL_LAN, KERNEL_WAN};
    uint8_t out[4096];
    size_t n;

    kernel_put(p->kernel, wan ? KERNEL_WAN : KERNEL_LAN, d, len);
    for (int s = 0; s < 2; s++)
        while ((n = kernel_get(p->kernel, sides[s], out, sizeof out)) > 0)
            p->calls.left(p->calls.ctx, PAIR_KERNEL, sides[s] == KERNEL_WAN,
                          out, n);
}

static void device_left(void *ctx, bool wan, uint8_t *d, size_t len)
{
    struct pair *p = ctx;

    p->calls.left(p->calls.ctx, PAIR_WEIR, wan, d, len);
}

static void judge_twin(struct pair *p, const char *wrong)
{
    if (wrong)
        pair_say(p->twins, sizeof p->twins, "  %s", wrong);
}

static void put_weir(struct pair *p, bool wan, const uint8_t *d, size_t len)
{
    uint8_t room[CT_HEADROOM + 4096 + CT_HEADROOM];
    struct ct_pkt pkt = {
        .data = room + CT_HEADROOM,
        .len = (uint32_t)len,
        .in = config_iface_find(p->rig.config, wan ? "wan" : "lan"),
    };
    struct ct_pkt *pkts[1] = {&pkt};
    uint8_t in = pkt.in; /* what is answered turns round */

    memcpy(pkt.data, d, len);
    pair_clock(p);
    journey_batch(p->rig.journey, pkts, 1, p->rig.now);
    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i])
            judge_twin(
                p, twin_say(p->twin[i], &p->rig, d, (uint32_t)len, in, false));
}

static void forget_limits(struct pair *p)
{
    ratelimit_setup(&p->rig.journey->limit, 1, 1);
    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i])
            twin_forget_limits(p->twin[i]);
}

void pair_put(struct pair *p, enum pair_subject who, bool wan, const uint8_t *d,
              size_t len, bool fresh)
{
    if (who == PAIR_KERNEL) {
        put_kernel(p, wan, d, len);
        return;
    }
    if (p->device) {
        if (!device_put(p->device, wan, d, len, device_left, p))
            fprintf(stderr, "weir: a packet behind did not come out\n");
        return;
    }
    if (fresh)
        forget_limits(p);
    put_weir(p, wan, d, len);
}

void pair_look_at_sums(struct pair *p, bool look)
{
    kernel_sysctl(p->kernel, "netfilter/nf_conntrack_checksum", look);
}

uint64_t pair_refused(const struct pair *p, enum ct_reason why)
{
    return ct_drops(p->rig.ct, why);
}

bool pair_settle(struct pair *p)
{
    return kernel_settle(p->kernel);
}

/* ---- life ---- */

void pair_tick(struct pair *p)
{
    pair_clock(p);
    if (p->device)
        return;
    rig_tick(&p->rig);
    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i]) {
            twin_tick(p->twin[i], p->rig.now);
            judge_twin(p, twin_elapsed(p->twin[i], &p->rig));
        }
}

const char *pair_check(struct pair *p)
{
    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i])
            judge_twin(p, twin_end(p->twin[i], &p->rig));
    return p->device ? NULL : rig_check(&p->rig);
}

bool pair_same_twins(struct pair *p, char *report, size_t room)
{
    bool same = p->twins[0] == '\0';

    pair_say(report, room, "%s", p->twins);
    p->twins[0] = '\0';
    return same;
}

static struct pair *begin(const struct pair_calls *calls, const char *weir,
                          char err[256])
{
    struct pair *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->calls = *calls;
    if (weir && !(p->device = device_open(weir, NULL, err))) {
        free(p);
        return NULL;
    }
    p->kernel = kernel_open(err);
    if (!p->kernel) {
        if (p->device)
            device_close(p->device);
        free(p);
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, &p->began);
    if (pair_setup(p, pair_masquerade, "", ""))
        return p;
    snprintf(err, 256, "nft refused the judge's rules");
    pair_close(p);
    return NULL;
}

struct pair *pair_open(const struct pair_calls *calls, char err[256])
{
    return begin(calls, NULL, err);
}

struct pair *pair_open_device(const struct pair_calls *calls, const char *weir,
                              char err[256])
{
    return begin(calls, weir, err);
}

void pair_close(struct pair *p)
{
    if (p->device)
        device_close(p->device);
    if (p->rig.ct)
        rig_close(&p->rig);
    pair_end_twins(p);
    kernel_close(p->kernel);
    free(p);
}

const char *pair_difference_name(enum pair_difference d)
{
    static const char *const names[] = {
#define D(id, kernel, weir, why) #id,
        JUDGE_DIFFERENCES(D)
#undef D
    };

    return names[d];
}
