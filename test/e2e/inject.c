/* inject.c - make a thread of another process issue a system call
 *
 *     inject TID NAME        prints what the kernel answered: a number, or
 *                            "killed" if the process did not outlive it
 *
 * The thread waits in a system call: its instruction stands two bytes before
 * where it is to go on, and is used once more with other registers.  x86-64. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

enum { STRING = 1, PAIR = 2, ADDRESS = 3, SYSCALL = 0x050f, ROOM = 4096 };

/* Arguments that are STRING, PAIR or ADDRESS are where that stands. */
static const struct call {
    const char *name;
    long number;
    const char *string;
    uint64_t argument[6];
    uint8_t where[6];
} calls[] = {
    {"read-passwd",
     SYS_openat,
     "/etc/passwd",
     {(uint64_t)AT_FDCWD, 0, O_RDONLY},
     {0, STRING}},
    {"creat",
     SYS_openat,
     "/tmp/weir-e2e-injected",
     {(uint64_t)AT_FDCWD, 0, O_CREAT | O_WRONLY, 0600},
     {0, STRING}},
    {"creat-old", SYS_creat, "/tmp/weir-e2e-injected", {0, 0600}, {STRING}},
    {"execve", SYS_execve, "/bin/true", {0}, {STRING, PAIR, 0}},
    {"netlink", SYS_socket, "", {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}, {0}},
    {"connect",
     SYS_connect,
     "",
     {3, 0, sizeof(struct sockaddr_in)},
     {0, ADDRESS}},
    {"io_uring", SYS_io_uring_setup, "", {8, 0}, {0, PAIR}},
    {"keyctl", SYS_keyctl, "", {0, (uint64_t)-3, 0}, {0}},
    {"mmap-rwx",
     SYS_mmap,
     "",
     {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
      (uint64_t)-1, 0},
     {0}},
    {"ptrace", SYS_ptrace, "", {PTRACE_TRACEME, 0, 0, 0}, {0}},
    {"clone", SYS_clone, "", {SIGCHLD, 0, 0, 0, 0}, {0}},
    {"kill", SYS_kill, "", {1, 0}, {0}},
};

static void die(const char *what)
{
    fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* What the arguments point to, in a part of the stack that is not used. */
struct data {
    char string[64];
    uint64_t pair[2]; /* of argv: none */
    struct sockaddr_in address;
    char more[256];
};

static void put_arguments(pid_t thread, const struct call *call,
                          struct user_regs_struct *r)
{
    uint64_t at = (r->rsp - ROOM) & ~UINT64_C(15);
    struct data d = {.address = {.sin_family = AF_INET,
                                 .sin_port = 0x5000,
                                 .sin_addr = {0x010200c0}}};
    struct iovec from = {&d, sizeof d}, to = {(void *)(uintptr_t)at, sizeof d};
    unsigned long long *in[] = {&r->rdi, &r->rsi, &r->rdx,
                                &r->r10, &r->r8,  &r->r9};

    snprintf(d.string, sizeof d.string, "%s", call->string);
    if (process_vm_writev(thread, &from, 1, &to, 1, 0) != sizeof d)
        die("process_vm_writev");
    for (int i = 0; i < 6; i++) {
        *in[i] = call->argument[i];
        if (call->where[i] == STRING)
            *in[i] = at + offsetof(struct data, string);
        else if (call->where[i] == PAIR)
            *in[i] = at + offsetof(struct data, pair);
        else if (call->where[i] == ADDRESS)
            *in[i] = at + offsetof(struct data, address);
    }
}

/* false: it is gone. */
static int stopped(pid_t thread)
{
    int status;

    if (waitpid(thread, &status, __WALL) != thread)
        return 0;
    return WIFSTOPPED(status);
}

static void inject(pid_t thread, const struct call *call)
{
    struct user_regs_struct was, r;

    if (ptrace(PTRACE_SEIZE, thread, 0, 0) < 0 ||
        ptrace(PTRACE_INTERRUPT, thread, 0, 0) < 0 || !stopped(thread) ||
        ptrace(PTRACE_GETREGS, thread, 0, &was) < 0)
        die("ptrace");
    if ((ptrace(PTRACE_PEEKTEXT, thread, was.rip - 2, 0) & 0xffff) != SYSCALL) {
        fprintf(stderr, "inject: the thread waits in no system call\n");
        exit(1);
    }
    r = was;
    put_arguments(thread, call, &r);
    r.rip -= 2;
    r.rax = (unsigned long long)call->number;
    r.orig_rax = (unsigned long long)-1; /* nothing is to be gone on with */
    if (ptrace(PTRACE_SETREGS, thread, 0, &r) < 0 ||
        ptrace(PTRACE_SINGLESTEP, thread, 0, 0) < 0)
        die("ptrace");
    if (!stopped(thread) || ptrace(PTRACE_GETREGS, thread, 0, &r) < 0) {
        puts("killed");
        return;
    }
    printf("%lld\n", (long long)r.rax);
    (void)ptrace(PTRACE_SETREGS, thread, 0, &was);
    (void)ptrace(PTRACE_DETACH, thread, 0, 0);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, argv[2]) == 0) {
            inject((pid_t)atoi(argv[1]), &calls[i]);
            return 0;
        }
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
            puts(calls[i].name);
        return 0;
    }
    fprintf(stderr, "usage: inject TID NAME | inject --list\n");
    return 2;
}

#else

int main(void)
{
    puts("SKIPPED: this test knows the registers of x86-64 alone");
    return 77;
}

#endif
