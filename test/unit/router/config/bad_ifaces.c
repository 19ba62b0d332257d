/* bad_ifaces.c - errors of interfaces and of syntax: a row each
 *
 * A row is a whole file and the one error that must come, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_rig.h"

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
        cmocka_unit_test(interfaces_and_syntax_are_checked_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
