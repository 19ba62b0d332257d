/* config.h - the configuration file as structs
 *
 * config_load() reads, checks everything and answers with a whole
 * configuration or none.  It touches nothing outside: no device, no socket. */
#ifndef CONFIG_H
#define CONFIG_H

#include "fib.h"
#include "log.h"

#include <ctcore/ct.h>
#include <stdio.h>

struct config_iface {
    char name[16]; /* as rules call it */
    char tun[16];  /* the kernel's device name */
    bool inside;
    bool kernel_address_set;
    uint8_t kernel_family, kernel_len; /* of kernel_address, if set */
    union ct_addr kernel_address;
    uint16_t mtu;
    uint8_t n_addrs;
    struct {
        union ct_addr addr;
        uint8_t family, len;
    } addr[8];
};

struct config {
    uint32_t n_ifaces;
    struct config_iface iface[CT_MAX_IFACES];
    struct fib_route *routes; /* connected ones included */
    uint32_t n_routes;
    struct ct_ruleset rules;    /* everything it points to is owned here */
    struct ct_steer_row *steer; /* from dnat rules, sorted; see ct.h */
    uint32_t n_steer;

    /* Made into one ct_config a shard by the control loop. */
    uint32_t max, buckets;
    enum ct_profile profile;
    enum ct_on_full on_full;
    bool acct, timestamp, hairpin;
    struct ct_params params;
    uint32_t workers;
    bool seed_set;
    uint64_t seed;

    /* api */
    bool listen_set;      /* false: no TCP at all */
    char listen_host[64]; /* numeric; loopback unless a token is set */
    uint16_t listen_port;
    char socket[108];
    char token[256]; /* read from token_file; "" : none */

    enum log_level log_level;
    bool log_json;

    void *memory; /* everything the pointers above lead to */
};

/* 0, or the exit code (2: the file's fault, 1: could not be read).  Errors go
 * to err, one a line: FILE:LINE:COL: /json/pointer: what is wrong; expected
 * what.  A syntax error is told alone, of errors of meaning all are. */
int config_load(const char *path, struct config **out, FILE *err);
void config_free(struct config *config);

/* The same without words for a terminal: each error by itself, in the order of
 * the text.  line 0: not about the text (no such file, no memory); pointer and
 * message live for the call. */
struct config_error {
    uint32_t line, column;
    const char *pointer; /* RFC 6901; "": the whole */
    const char *message; /* what is wrong; expected what */
};
typedef void config_error_fn(void *ctx, const struct config_error *error);
int config_try(const char *path, struct config **out, config_error_fn *fn,
               void *ctx);
/* From memory instead of a file. */
int config_parse(const char *text, size_t len, struct config **out,
                 config_error_fn *fn, void *ctx);

/* --print-config: each value and where it came from, as aligned text. */
void config_print(const struct config *config, FILE *out);

/* The core's view of the interfaces. */
void config_ct_ifaces(const struct config *config, struct ct_ifaces *out);

/* Interface index by the name rules use, or CT_NO_IFACE. */
uint8_t config_iface_find(const struct config *config, const char *name);

#endif
