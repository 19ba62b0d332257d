/* config.h - the configuration file as structs */
#ifndef CONFIG_H
#define CONFIG_H

#include "config/options.def"
#include "journey/fib.h"
#include "system/log.h"

#include <ctcore/ct.h>
#include <ctcore/option.h>
#include <stdio.h>
#include <web/options.h>

enum { CONFIG_ADDRS = 8 }; /* of an interface */

/* Options that are rows: of options.def, of the core's and the web's lists, and
 * the tunables.  Those of CT_OPTIONS and CONFIG_OPTIONS have the first numbers,
 * in this order. */
enum {
#define I(kind, path, field, ...) CONFIG_##field,
    CT_OPTIONS(I) CONFIG_OPTIONS(I)
#undef I
#define I(...) +1
        CONFIG_N_FIXED = CONFIG_GATEWAY_OPTIONS(I) CONFIG_POLICY_OPTIONS(I)
            CT_OPTIONS(I) CONFIG_OPTIONS(I) WEB_OPTIONS(I),
#undef I
    CONFIG_N_OPTIONS = CONFIG_N_FIXED + CT_N_PARAMS
};

struct config_iface {
    char name[16]; /* as rules call it */
    char tun[16];  /* the kernel's device name */
    bool inside;
    bool offloads;       /* super-packets and partial checksums, both ways */
    uint32_t txqueuelen; /* packets that may wait in the device for a worker */
    bool unnumbered;     /* masquerade borrows an outside address */
    bool kernel_address_set;
    uint8_t kernel_family, kernel_len; /* of kernel_address, if set */
    union ct_addr kernel_address;
    uint16_t mtu;
    uint8_t n_addrs;
    struct {
        union ct_addr addr;
        uint8_t family, len;
    } addr[CONFIG_ADDRS];
};

/* Devices that gateway mode may have: lan, wan, then further ones.  They have
 * the same numbers among the interfaces and in config_facts. */
enum { CONFIG_GATEWAY_LAN, CONFIG_GATEWAY_WAN, CONFIG_DEVICES = 8 };

/* Gateway mode, as the file asks for it: which devices, by what was given. */
struct config_gateway {
    bool set;
    uint32_t n;                    /* devices */
    char name[CONFIG_DEVICES][16]; /* as rules call it: lan, wan */
    bool inside[CONFIG_DEVICES];
    char device[CONFIG_DEVICES][64]; /* a name, a prefix or an address */
    struct config_ports {
        uint32_t n;
        struct ct_number_range range[64];
    } reserved; /* outside ports no mapping may have; sorted, apart */
    CONFIG_GATEWAY_OPTIONS(CT_OPTION_FIELD)
};

/* What the kernel says of gateway mode's devices at the moment; what interfaces
 * and routes are made of.  Owned by who gathers them. */
struct config_facts {
    uint32_t n; /* devices, as in config_gateway */
    struct config_facts_device {
        char name[16]; /* the kernel's */
        uint32_t index;
        uint16_t mtu;
        uint8_t n_addrs;
        struct {
            union ct_addr addr;
            uint8_t family, len;
        } addr[CONFIG_ADDRS]; /* global ones, IPv4 first, then in the kernel's
                                 order */
        uint32_t n_more;      /* that have no room there */
        bool inside;
        char label[16], tun[16]; /* as rules call it; weir's device for it */
    } device[CONFIG_DEVICES];
    struct config_facts_route {
        union ct_addr addr;
        uint8_t family, len, device;
        uint32_t metric;
    } * routes; /* what is reached by an inside device, connected ones too; if
                   there are several outside, by those, too, with the default
                   route; sorted by (family, addr, len), one each */
    uint32_t n_routes;
};

/* What a configuration is made of beside the file.  The same text, facts and
 * environment always make the same configuration. */
struct config_input {
    const struct config_facts *facts; /* NULL: not known; gateway mode then has
                                         interfaces without addresses */
    char *const *env;                 /* environ, or NULL: WEIR_* options; they
                                         win over the file */
    const char *token; /* the caller has it: its file is not read; or NULL */
    const uint8_t *profile; /* enum ct_profile: whose defaults hold, whatever
                                the file says; NULL: the file's */
    bool bounded; /* the caller must not wait: a file that is no regular
                     one (a FIFO, a device) is refused */
};

/* A queue that packets may wait in for a user program's verdict. */
enum { CONFIG_QUEUES = 16 };
struct config_queue {
    uint16_t number;
    bool bypass;         /* without a program they pass, else are dropped */
    bool fail_open;      /* full, or no verdict in time: the same */
    bool resize;         /* its program may change how long a TCP payload is */
    uint32_t max;        /* packets that may wait, over all workers */
    uint32_t timeout_ms; /* for a verdict */
};

struct config_seed {
    bool set; /* false: the kernel's entropy says it */
    uint64_t value;
};

struct config {
    CONFIG_OPTIONS(CT_OPTION_FIELD)
    struct config_seed seed;
    char token_file[4096]; /* "": none */
    char url[256];         /* "": not known */
    struct config_gateway gateway;
    struct web_options web;
    /* A shard's, but for max and buckets, which are all shards', and what no
     * option says. */
    struct ct_config core;
    /* Of each option with CT_OPTION_LESS or _ON: its value when the core was
     * made, which took memory for as much. */
    uint32_t at_start[CONFIG_N_OPTIONS];

    uint32_t n_ifaces;
    struct config_iface iface[CT_MAX_IFACES];
    struct fib_route *routes; /* connected ones included */
    uint32_t n_routes;
    struct ct_ruleset rules;    /* everything it points to is owned here */
    const char **rule_text;     /* of each, as it was given: a JSON object */
    size_t rule_text_len;       /* of all of them */
    struct ct_steer_row *steer; /* from dnat rules, sorted; see ct.h */
    uint32_t n_steer;

    uint32_t n_queues;
    struct config_queue queue[CONFIG_QUEUES];

    char token[256]; /* read from token_file; "" : none, or to be made */
    bool token_make; /* token_file is not there yet: make it at start */

    char *text; /* of the file, as it was read; owned: for making the
                   configuration again when facts have changed */
    size_t text_len;
    void *memory; /* everything the pointers above lead to */
};

/* One error of a file.  line 0: not about the text (no such file, no memory);
 * pointer and message live for the call. */
struct config_error {
    uint32_t line, column;
    const char *pointer; /* RFC 6901; "": the whole */
    const char *message; /* what is wrong; expected what */
    const char *env;     /* the variable that said it (line is 0), or NULL */
};
typedef void config_error_fn(void *ctx, const struct config_error *error);

/* The core's view of the interfaces. */
void config_ct_ifaces(const struct config *config, struct ct_ifaces *out);

/* The file's key of one of gateway mode's devices. */
void config_gateway_key(uint32_t number, const char *name, char key[32]);

/* What weir's device for one of gateway mode's is called. */
void config_gateway_tun(const char *name, char tun[16]);

/* Interface index by the name rules use, or CT_NO_IFACE. */
uint8_t config_iface_find(const struct config *config, const char *name);

#endif
