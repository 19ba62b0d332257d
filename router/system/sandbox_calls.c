/* sandbox_calls.c - which system calls are left, by seccomp(2) */
#include "system/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum how {
    ANY,
    ELSE, /* any, where the row before it has no number */
    LACKS,
    ZERO,
    NO_CODE,
    TO_READ,
    TO_CHANGE,
    DEVICE,
    NFTABLES,
    UNIX
};

#define WEIR   SANDBOX_WEIR
#define ORDERS SANDBOX_ORDERS
#define BOTH   (SANDBOX_WEIR | SANDBOX_ORDERS)

static const struct {
    int number; /* negative: not on this machine */
    int who;
    enum how how;
} calls[] = {
#define CALL(name, who, how, why) {SCMP_SYS(name), who, how},
#include "system/syscalls.def"
#undef CALL
};

enum { N_CALLS = sizeof calls / sizeof *calls };

/* Of an open file's flags; with O_TMPFILE's own bit a file is made, too. */
enum {
    MAKES = O_CREAT | O_TRUNC | O_APPEND | (__O_TMPFILE & ~O_DIRECTORY),
    OPENS = O_ACCMODE | MAKES
};

static const uint32_t requests[] = {TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ,
                                    TUNSETVNETLE, FIONBIO};

static int allow_masked_call(scmp_filter_ctx f, int number, unsigned argument,
                             uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp compare = {argument, SCMP_CMP_MASKED_EQ, mask,
                                         value};

    return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, number, 1, &compare);
}

static bool has_call_rule(int i, enum sandbox_caller who)
{
    return (calls[i].who & (int)who) != 0 && calls[i].number >= 0 &&
           (calls[i].how != ELSE || calls[i - 1].number < 0);
}

static int socket_rule(scmp_filter_ctx f, int number)
{
    const struct scmp_arg_cmp both[] = {
        {0, SCMP_CMP_EQ, AF_NETLINK, 0},
        {2, SCMP_CMP_EQ, NETLINK_NETFILTER, 0},
    };

    return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, number, 2, both);
}

static int device_rules(scmp_filter_ctx f, int number)
{
    int err = 0;

    for (size_t i = 0; i < sizeof requests / sizeof *requests && err == 0; i++)
        err = allow_masked_call(f, number, 1, UINT32_MAX, requests[i]);
    return err;
}

static int add_call_rule(scmp_filter_ctx f, int number, enum how how)
{
    switch (how) {
    case ANY:
    case ELSE:
        return seccomp_rule_add(f, SCMP_ACT_ALLOW, number, 0);
    case LACKS:
        return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), number, 0);
    case ZERO:
        return seccomp_rule_add(f, SCMP_ACT_ERRNO(0), number, 0);
    case NO_CODE:
        return allow_masked_call(f, number, 2, PROT_EXEC, 0);
    case TO_READ:
        return allow_masked_call(f, number, 2, OPENS, O_RDONLY);
    case TO_CHANGE:
        return allow_masked_call(f, number, 2, OPENS, O_WRONLY);
    case DEVICE:
        return device_rules(f, number);
    case NFTABLES:
        return socket_rule(f, number);
    case UNIX:
        return allow_masked_call(f, number, 0, UINT32_MAX, AF_UNIX);
    }
    return -EINVAL;
}

static int fill_call_filter(scmp_filter_ctx f, enum sandbox_caller who)
{
    int err = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);

    /* As a tree: a packet's read and write pass few comparisons. */
    (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (int i = 0; i < N_CALLS && err == 0; i++)
        if (has_call_rule(i, who))
            err = add_call_rule(f, calls[i].number, calls[i].how);
    return err;
}

int sandbox_calls_limit(enum sandbox_caller who, enum sandbox_mode mode)
{
    scmp_filter_ctx f;
    int err;

    if (mode == SANDBOX_OFF)
        return 0;
    f = seccomp_init(mode == SANDBOX_LOG ? SCMP_ACT_LOG
                                         : SCMP_ACT_KILL_PROCESS);
    if (f == NULL)
        return -ENOMEM;
    err = fill_call_filter(f, who);
    if (err == 0)
        err = seccomp_load(f);
    seccomp_release(f);
    return err;
}

unsigned sandbox_calls_count(enum sandbox_caller who)
{
    unsigned n = 0;

    for (int i = 0; i < N_CALLS; i++)
        n += has_call_rule(i, who) && calls[i].how != LACKS &&
             calls[i].how != ZERO;
    return n;
}
