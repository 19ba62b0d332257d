/* format.c - conntrack(8)'s text and its command line, to the byte
 *
 * The wanted lines were printed by conntrack v1.4.7 for entries like these. */
#include "cli/format.h"
#include "cli/options.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TCP_SENT                                                               \
    "{\"id\":\"42-7\",\"family\":\"ipv4\",\"protocol\":\"tcp\",\"protonum\":6" \
    ",\"state\":\"SYN_SENT\",\"timeout\":118,\"status\":[\"CONFIRMED\","       \
    "\"SRC_NAT\"],\"original\":{\"src\":\"10.0.1.2\",\"dst\":\"198.51.100.2\"" \
    ",\"sport\":4001,\"dport\":80,\"packets\":0,\"bytes\":0},\"reply\":{"      \
    "\"src\":\"198.51.100.2\",\"dst\":\"198.51.100.1\",\"sport\":80,"          \
    "\"dport\":4001,\"packets\":0,\"bytes\":0},\"mark\":0,\"zone\":0,"         \
    "\"start\":\"2026-01-01T00:00:00Z\"}"
#define UDP_MARKED                                                             \
    "{\"id\":\"43-1\",\"family\":\"ipv4\",\"protocol\":\"udp\","               \
    "\"protonum\":17,\"state\":\"STREAM\",\"timeout\":28,\"status\":["         \
    "\"SEEN_REPLY\",\"ASSURED\",\"CONFIRMED\"],\"original\":{\"src\":"         \
    "\"10.0.1.2\",\"dst\":\"198.51.100.2\",\"sport\":5000,\"dport\":53},"      \
    "\"reply\":{\"src\":\"198.51.100.2\",\"dst\":\"10.0.1.2\",\"sport\":53,"   \
    "\"dport\":5000},\"mark\":42,\"zone\":5}"
#define HELPED                                                                 \
    "{\"id\":\"4-4\",\"family\":\"ipv4\",\"protocol\":\"tcp\",\"protonum\":6," \
    "\"state\":\"ESTABLISHED\",\"timeout\":299,\"status\":[\"SEEN_REPLY\","    \
    "\"ASSURED\"],\"original\":{\"src\":\"10.0.1.2\",\"dst\":"                 \
    "\"198.51.100.2\",\"sport\":4444,\"dport\":21},\"reply\":{\"src\":"        \
    "\"198.51.100.2\",\"dst\":\"198.51.100.1\",\"sport\":21,\"dport\":4444},"  \
    "\"mark\":0,\"zone\":0,\"helper\":\"ftp\",\"start\":"                      \
    "\"2026-01-01T00:00:00Z\"}"
#define LABELLED                                                               \
    "{\"id\":\"3-1\",\"family\":\"ipv4\",\"protocol\":\"unknown\","            \
    "\"protonum\":99,"                                                         \
    "\"state\":\"\",\"timeout\":599,\"status\":[\"SEEN_REPLY\"],\"original\":" \
    "{"                                                                        \
    "\"src\":\"10.0.1.3\",\"dst\":\"198.51.100.2\"},\"reply\":{\"src\":"       \
    "\"198.51.100.2\",\"dst\":\"10.0.1.3\"},\"mark\":0,\"zone\":0,\"labels\":" \
    "[3,"                                                                      \
    "127]}"
#define ZONED                                                                  \
    "{\"id\":\"1-1\",\"family\":\"ipv4\",\"protocol\":\"udp\",\"protonum\":"   \
    "17,"                                                                      \
    "\"state\":\"\",\"timeout\":28,\"status\":[],\"original\":{\"src\":"       \
    "\"10.0.1.2\",\"dst\":\"198.51.100.2\",\"sport\":5000,\"dport\":53,"       \
    "\"packets\":1,\"bytes\":30},\"reply\":{\"src\":\"198.51.100.2\","         \
    "\"dst\":\"10.0.1.2\",\"sport\":53,\"dport\":5000,\"packets\":0,"          \
    "\"bytes\":0},\"mark\":0,\"zone\":0,\"zone_orig\":5,\"zone_reply\":6}"
#define PING6                                                                  \
    "{\"id\":\"1-1\",\"family\":\"ipv6\",\"protocol\":\"icmpv6\","             \
    "\"protonum\":58,\"state\":\"\",\"timeout\":29,\"status\":[],"             \
    "\"original\":{\"src\":\"fd00:1::2\",\"dst\":\"2001:db8::2\",\"type\":"    \
    "128,\"code\":0,\"id\":77},\"reply\":{\"src\":\"2001:db8::2\",\"dst\":"    \
    "\"2001:db8::1\",\"type\":129,\"code\":0,\"id\":77},\"mark\":0,"           \
    "\"zone\":0}"
#define OTHER                                                                  \
    "{\"id\":\"2-1\",\"family\":\"ipv4\",\"protocol\":\"unknown\","            \
    "\"protonum\":99,\"state\":\"\",\"timeout\":599,\"status\":["              \
    "\"SEEN_REPLY\"],\"original\":{\"src\":\"10.0.1.3\",\"dst\":"              \
    "\"198.51.100.2\"},\"reply\":{\"src\":\"198.51.100.2\",\"dst\":"           \
    "\"10.0.1.3\"},\"mark\":0,\"zone\":0}"
#define GRE                                                                    \
    "{\"id\":\"3-1\",\"family\":\"ipv4\",\"protocol\":\"gre\",\"protonum\":47" \
    ",\"state\":\"\",\"timeout\":29,\"status\":[],\"original\":{\"src\":"      \
    "\"10.0.1.3\",\"dst\":\"198.51.100.2\",\"srckey\":0,\"dstkey\":4660},"     \
    "\"reply\":{\"src\":\"198.51.100.2\",\"dst\":\"10.0.1.3\",\"srckey\":"     \
    "4660,\"dstkey\":0},\"mark\":0,\"zone\":0}"
#define SCTP                                                                   \
    "{\"id\":\"3-2\",\"family\":\"ipv4\",\"protocol\":\"sctp\","               \
    "\"protonum\":132,\"state\":\"ESTABLISHED\",\"timeout\":209,\"status\":["  \
    "\"SEEN_REPLY\",\"ASSURED\"],\"original\":{\"src\":\"10.0.1.3\",\"dst\":"  \
    "\"198.51.100.2\",\"sport\":5000,\"dport\":99,\"vtag\":7},\"reply\":{"     \
    "\"src\":"                                                                 \
    "\"198.51.100.2\",\"dst\":\"198.51.100.1\",\"sport\":99,\"dport\":5000,"   \
    "\"vtag\":9},"                                                             \
    "\"mark\":0,\"zone\":0}"
#define DCCP                                                                   \
    "{\"id\":\"3-3\",\"family\":\"ipv4\",\"protocol\":\"dccp\","               \
    "\"protonum\":33,\"state\":\"PARTOPEN\",\"timeout\":479,\"status\":["      \
    "\"SEEN_REPLY\"],\"original\":{\"src\":\"10.0.1.3\",\"dst\":"              \
    "\"198.51.100.2\",\"sport\":5000,\"dport\":99},\"reply\":{\"src\":"        \
    "\"198.51.100.2\",\"dst\":\"198.51.100.1\",\"sport\":99,\"dport\":5000},"  \
    "\"mark\":0,\"zone\":0}"
#define BOTH_NAT                                                               \
    "{\"id\":\"4-1\",\"family\":\"ipv4\",\"protocol\":\"tcp\",\"protonum\":6," \
    "\"state\":\"ESTABLISHED\",\"timeout\":118,\"status\":[\"SEEN_REPLY\","    \
    "\"ASSURED\",\"SRC_NAT\",\"DST_NAT\"],\"original\":{\"src\":\"10.0.1.2\"," \
    "\"dst\":\"198.51.100.2\",\"sport\":4001,\"dport\":80},\"reply\":{"        \
    "\"src\":\"10.0.0.9\",\"dst\":\"198.51.100.1\",\"sport\":81,\"dport\":"    \
    "5555},\"mark\":0,\"zone\":0}"

static void lines_are_conntrack_s(void **state)
{
    /* Tags 7 and 9 as they stand in this machine's memory. */
    static char sctp_saved[256];
    static const struct {
        const char *flow;
        unsigned flags;
        enum cli_format_type type;
        const char *want;
    } rows[] = {
        {TCP_SENT, 0, CLI_FORMAT_LIST,
         "tcp      6 118 SYN_SENT src=10.0.1.2 dst=198.51.100.2 sport=4001 "
         "dport=80 packets=0 bytes=0 [UNREPLIED] src=198.51.100.2 "
         "dst=198.51.100.1 sport=80 dport=4001 packets=0 bytes=0 mark=0 "
         "delta-time=9 use=1\n"},
        {TCP_SENT, CLI_FORMAT_EXTENDED | CLI_FORMAT_ID | CLI_FORMAT_KTIMESTAMP,
         CLI_FORMAT_LIST,
         "ipv4     2 tcp      6 118 SYN_SENT src=10.0.1.2 dst=198.51.100.2 "
         "sport=4001 dport=80 packets=0 bytes=0 [UNREPLIED] src=198.51.100.2 "
         "dst=198.51.100.1 sport=80 dport=4001 packets=0 bytes=0 mark=0 "
         "delta-time=9 [start=Thu Jan  1 00:00:00 2026] use=1 "
         "id=180388626439\n"},
        {UDP_MARKED, 0, CLI_FORMAT_LIST,
         "udp      17 28 src=10.0.1.2 dst=198.51.100.2 sport=5000 dport=53 "
         "src=198.51.100.2 dst=10.0.1.2 sport=53 dport=5000 [ASSURED] mark=42 "
         "zone=5 use=1\n"},
        {ZONED, 0, CLI_FORMAT_LIST,
         "udp      17 28 src=10.0.1.2 dst=198.51.100.2 sport=5000 dport=53 "
         "zone-orig=5 packets=1 bytes=30 [UNREPLIED] src=198.51.100.2 "
         "dst=10.0.1.2 sport=53 dport=5000 zone-reply=6 packets=0 bytes=0 "
         "mark=0 use=1\n"},
        {LABELLED, CLI_FORMAT_LABELS | CLI_FORMAT_ID, CLI_FORMAT_LIST,
         "unknown  99 599 src=10.0.1.3 dst=198.51.100.2 src=198.51.100.2 "
         "dst=10.0.1.3 mark=0 use=1 id=12884901889 labels=3,127\n"},
        {LABELLED, 0, CLI_FORMAT_LIST,
         "unknown  99 599 src=10.0.1.3 dst=198.51.100.2 src=198.51.100.2 "
         "dst=10.0.1.3 mark=0 use=1\n"},
        {ZONED, CLI_FORMAT_SAVE, CLI_FORMAT_LIST,
         "-A -t 28 -u UNSET --orig-zone 5 --reply-zone 6 -s 10.0.1.2 -d "
         "198.51.100.2 -r 198.51.100.2 -q 10.0.1.2 -p udp --sport 5000 "
         "--dport 53 --reply-port-src 53 --reply-port-dst 5000\n"},
        {HELPED, 0, CLI_FORMAT_LIST,
         "tcp      6 299 ESTABLISHED src=10.0.1.2 dst=198.51.100.2 sport=4444 "
         "dport=21 src=198.51.100.2 dst=198.51.100.1 sport=21 dport=4444 "
         "[ASSURED] mark=0 delta-time=9 helper=ftp use=1\n"},
        {PING6, 0, CLI_FORMAT_LIST,
         "icmpv6   58 29 src=fd00:1::2 dst=2001:db8::2 type=128 code=0 id=77 "
         "[UNREPLIED] src=2001:db8::2 dst=2001:db8::1 type=129 code=0 id=77 "
         "mark=0 use=1\n"},
        {PING6, CLI_FORMAT_EXTENDED, CLI_FORMAT_LIST,
         "ipv6     10 icmpv6   58 29 src=fd00:1::2 dst=2001:db8::2 type=128 "
         "code=0 id=77 [UNREPLIED] src=2001:db8::2 dst=2001:db8::1 type=129 "
         "code=0 id=77 mark=0 use=1\n"},
        {OTHER, 0, CLI_FORMAT_LIST,
         "unknown  99 599 src=10.0.1.3 dst=198.51.100.2 src=198.51.100.2 "
         "dst=10.0.1.3 mark=0 use=1\n"},
        {GRE, 0, CLI_FORMAT_LIST,
         "gre      47 29 src=10.0.1.3 dst=198.51.100.2 srckey=0x0 "
         "dstkey=0x1234 [UNREPLIED] src=198.51.100.2 dst=10.0.1.3 "
         "srckey=0x1234 dstkey=0x0 mark=0 use=1\n"},
        {SCTP, 0, CLI_FORMAT_LIST,
         "sctp     132 209 ESTABLISHED src=10.0.1.3 dst=198.51.100.2 "
         "sport=5000 dport=99 src=198.51.100.2 dst=198.51.100.1 sport=99 "
         "dport=5000 [ASSURED] mark=0 use=1\n"},
        {DCCP, 0, CLI_FORMAT_LIST,
         "dccp     33 479 PARTOPEN src=10.0.1.3 dst=198.51.100.2 sport=5000 "
         "dport=99 src=198.51.100.2 dst=198.51.100.1 sport=99 dport=5000 "
         "mark=0 use=1\n"},
        {TCP_SENT, CLI_FORMAT_TIMESTAMP | CLI_FORMAT_ID, CLI_FORMAT_NEW,
         "[1767225609.001002]\t    [NEW] tcp      6 118 SYN_SENT src=10.0.1.2 "
         "dst=198.51.100.2 sport=4001 dport=80 [UNREPLIED] src=198.51.100.2 "
         "dst=198.51.100.1 sport=80 dport=4001 id=180388626439\n"},
        {TCP_SENT, CLI_FORMAT_MARKED, CLI_FORMAT_UPDATE,
         " [UPDATE] tcp      6 118 SYN_SENT src=10.0.1.2 "
         "dst=198.51.100.2 sport=4001 dport=80 [UNREPLIED] src=198.51.100.2 "
         "dst=198.51.100.1 sport=80 dport=4001 mark=0\n"},
        {UDP_MARKED, 0, CLI_FORMAT_UPDATE,
         " [UPDATE] udp      17 28 src=10.0.1.2 dst=198.51.100.2 sport=5000 "
         "dport=53 src=198.51.100.2 dst=10.0.1.2 sport=53 dport=5000 "
         "[ASSURED] mark=42 zone=5\n"},
        {TCP_SENT, 0, CLI_FORMAT_DESTROY,
         "[DESTROY] tcp      6 118 SYN_SENT src=10.0.1.2 dst=198.51.100.2 "
         "sport=4001 dport=80 packets=0 bytes=0 [UNREPLIED] src=198.51.100.2 "
         "dst=198.51.100.1 sport=80 dport=4001 packets=0 bytes=0 "
         "delta-time=9\n"},
        {TCP_SENT, CLI_FORMAT_SAVE, CLI_FORMAT_LIST,
         "-A -t 118 -u UNSET -s 10.0.1.2 -d 198.51.100.2 -r 198.51.100.2 -n "
         "198.51.100.1 -p tcp --sport 4001 --dport 80 --reply-port-src 80 "
         "--reply-port-dst 4001 --state SYN_SENT\n"},
        {UDP_MARKED, CLI_FORMAT_SAVE, CLI_FORMAT_LIST,
         "-A -t 28 -u SEEN_REPLY,ASSURED -w 5 -s 10.0.1.2 -d 198.51.100.2 -r "
         "198.51.100.2 -q 10.0.1.2 -p udp --sport 5000 --dport 53 "
         "--reply-port-src 53 --reply-port-dst 5000\n"},
        {BOTH_NAT, CLI_FORMAT_SAVE, CLI_FORMAT_DESTROY,
         "-D -t 118 -u SEEN_REPLY,ASSURED -s 10.0.1.2 -d 198.51.100.2 -g "
         "10.0.0.9 -n 198.51.100.1 -p tcp --sport 4001 --dport 80 "
         "--reply-port-src 81 --reply-port-dst 5555 --state ESTABLISHED\n"},
        {GRE, CLI_FORMAT_SAVE, CLI_FORMAT_LIST,
         "-A -t 29 -u UNSET -s 10.0.1.3 -d 198.51.100.2 -r 198.51.100.2 -q "
         "10.0.1.3 -p gre --srckey 0 --dstkey 4660 --reply-key-src 4660 "
         "--reply-key-dst 0\n"},
        {PING6, CLI_FORMAT_SAVE, CLI_FORMAT_LIST,
         "-A -t 29 -u UNSET -s fd00:1::2 -d 2001:db8::2 -r 2001:db8::2 -q "
         "2001:db8::1 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 "
         "--icmpv6-id 77\n"},
        {SCTP, CLI_FORMAT_SAVE, CLI_FORMAT_LIST, sctp_saved},
        {GRE, CLI_FORMAT_XML, CLI_FORMAT_NEW,
         "<flow type=\"new\"><meta direction=\"original\"><layer3 "
         "protonum=\"2\" protoname=\"ipv4\"><src>10.0.1.3</src><dst>"
         "198.51.100.2</dst></layer3><layer4 protonum=\"47\" "
         "protoname=\"gre\"><srckey>0x0</srckey><dstkey>0x1234</dstkey>"
         "</layer4></meta><meta direction=\"reply\"><layer3 protonum=\"2\" "
         "protoname=\"ipv4\"><src>198.51.100.2</src><dst>10.0.1.3</dst>"
         "</layer3><layer4 protonum=\"47\" protoname=\"gre\"><srckey>0x1234"
         "</srckey><dstkey>0x0</dstkey></layer4></meta><meta "
         "direction=\"independent\"><timeout>29</timeout><id>12884901889</id>"
         "<unreplied/></meta></flow>\n"},
        {HELPED, CLI_FORMAT_XML, CLI_FORMAT_UPDATE,
         "<flow type=\"update\"><meta direction=\"original\"><layer3 "
         "protonum=\"2\" protoname=\"ipv4\"><src>10.0.1.2</src><dst>"
         "198.51.100.2</dst></layer3><layer4 protonum=\"6\" "
         "protoname=\"tcp\"><sport>4444</sport><dport>21</dport></layer4>"
         "</meta><meta direction=\"reply\"><layer3 protonum=\"2\" "
         "protoname=\"ipv4\"><src>198.51.100.2</src><dst>198.51.100.1</dst>"
         "</layer3><layer4 protonum=\"6\" protoname=\"tcp\"><sport>21</sport>"
         "<dport>4444</dport></layer4></meta><meta "
         "direction=\"independent\"><state>ESTABLISHED</state><timeout>299"
         "</timeout><id>17179869188</id><assured/></meta><helper>ftp</helper>"
         "</flow>\n"},
        {OTHER, CLI_FORMAT_SAVE, CLI_FORMAT_LIST,
         "-A -t 599 -u SEEN_REPLY -s 10.0.1.3 -d 198.51.100.2 -r "
         "198.51.100.2 -q 10.0.1.3 -p 99\n"},
        {TCP_SENT, CLI_FORMAT_XML | CLI_FORMAT_KTIMESTAMP, CLI_FORMAT_LIST,
         "<flow><meta direction=\"original\"><layer3 protonum=\"2\" "
         "protoname=\"ipv4\"><src>10.0.1.2</src><dst>198.51.100.2</dst>"
         "</layer3><layer4 protonum=\"6\" protoname=\"tcp\"><sport>4001"
         "</sport><dport>80</dport></layer4><counters><packets>0</packets>"
         "<bytes>0</bytes></counters></meta><meta direction=\"reply\"><layer3 "
         "protonum=\"2\" protoname=\"ipv4\"><src>198.51.100.2</src><dst>"
         "198.51.100.1</dst></layer3><layer4 protonum=\"6\" protoname=\"tcp\">"
         "<sport>80</sport><dport>4001</dport></layer4><counters><packets>0"
         "</packets><bytes>0</bytes></counters></meta><meta "
         "direction=\"independent\"><state>SYN_SENT</state><timeout>118"
         "</timeout><mark>0</mark><use>1</use><id>180388626439</id><unreplied/>"
         "<timestamp><start>1767225600000000000</start></timestamp>"
         "<deltatime>9</deltatime></meta></flow>\n"},
    };
    struct timespec now = {.tv_sec = 1767225609, .tv_nsec = 1002003};
    size_t i;

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    (void)snprintf(sctp_saved, sizeof(sctp_saved),
                   "-A -t 209 -u SEEN_REPLY,ASSURED -s 10.0.1.3 -d "
                   "198.51.100.2 -r 198.51.100.2 -q 198.51.100.1 -p sctp "
                   "--sport 5000 --dport 99 --reply-port-src 99 "
                   "--reply-port-dst 5000 --state ESTABLISHED --orig-vtag %u "
                   "--reply-vtag %u\n",
                   htonl(7), htonl(9));
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *flow = json_loads(rows[i].flow, 0, NULL);
        char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);

        assert_non_null(flow);
        cli_format_flow(out, flow, rows[i].flags, rows[i].type, now);
        (void)fclose(out);
        assert_string_equal(text, rows[i].want);
        free(text);
        json_decref(flow);
    }
}

/* As conntrack -L expect of the kernel's FTP and PPTP helpers. */
static void expectations_are_conntrack_s(void **state)
{
    static const struct {
        const char *json, *text, *xml;
    } rows[] = {
        {"{\"family\":\"ipv4\",\"protocol\":\"tcp\",\"protonum\":6,"
         "\"timeout\":300,\"src\":\"198.51.100.2\",\"dst\":"
         "\"198.51.100.1\",\"sport\":0,\"dport\":5001,\"mask\":{\"src\":"
         "\"255.255.255.255\",\"dst\":\"255.255.255.255\",\"sport\":0,"
         "\"dport\":65535},\"master\":{\"src\":\"10.0.1.2\",\"dst\":"
         "\"198.51.100.2\",\"sport\":4000,\"dport\":21},\"permanent\":false,"
         "\"class\":0,\"helper\":\"ftp\"}",
         "300 proto=6 src=198.51.100.2 dst=198.51.100.1 sport=0 dport=5001 "
         "mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 "
         "dport=65535 master-src=10.0.1.2 master-dst=198.51.100.2 sport=4000 "
         "dport=21 class=0 helper=ftp\n",
         "<flow><layer3 protonum=\"2\" protoname=\"ipv4\"><expected>"
         "<src>198.51.100.2</src><dst>198.51.100.1</dst></expected><mask>"
         "<src>255.255.255.255</src><dst>255.255.255.255</dst></mask><master>"
         "<src>10.0.1.2</src><dst>198.51.100.2</dst></master></layer3>"
         "<layer4 protonum=\"6\" protoname=\"tcp\"><expected><sport>0</sport>"
         "<dport>5001</dport></expected><mask><sport>0</sport>"
         "<dport>65535</dport></mask><master><sport>4000</sport>"
         "<dport>21</dport></master></layer4><meta>"
         "<helper-name>ftp</helper-name><timeout>300</timeout>"
         "<class>0</class></meta></flow>\n"},
        {"{\"family\":\"ipv6\",\"protocol\":\"gre\",\"protonum\":47,"
         "\"timeout\":300,\"src\":\"2001:db8::2\",\"dst\":\"fd00::1\","
         "\"srckey\":3,\"dstkey\":5001,\"mask\":{\"src\":\"ffff::\",\"dst\":"
         "\"ffff::\",\"srckey\":65535,\"dstkey\":65535},\"master\":{\"src\":"
         "\"fd00::1\",\"dst\":\"2001:db8::2\",\"sport\":4000,\"dport\":1723},"
         "\"zone\":5,\"permanent\":true,\"class\":1,\"helper\":\"pptp\"}",
         "300 proto=47 src=2001:db8::2 dst=fd00::1 srckey=0x3 dstkey=0x1389 "
         "mask-src=ffff:: mask-dst=ffff:: srckey=0xffff dstkey=0xffff "
         "master-src=fd00::1 master-dst=2001:db8::2 sport=4000 dport=1723 "
         "zone=5 PERMANENT class=1 helper=pptp\n",
         "<flow><layer3 protonum=\"10\" protoname=\"ipv6\"><expected>"
         "<src>2001:db8::2</src><dst>fd00::1</dst></expected><mask>"
         "<src>ffff::</src><dst>ffff::</dst></mask><master>"
         "<src>fd00::1</src><dst>2001:db8::2</dst></master></layer3>"
         "<layer4 protonum=\"47\" protoname=\"gre\"><expected>"
         "<srckey>0x3</srckey><dstkey>0x1389</dstkey></expected><mask>"
         "<srckey>0xffff</srckey><dstkey>0xffff</dstkey></mask><master>"
         "<sport>4000</sport><dport>1723</dport></master></layer4><meta>"
         "<helper-name>pptp</helper-name><timeout>300</timeout>"
         "<class>1</class><zone>5</zone><permanent/></meta></flow>\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *j = json_loads(rows[i].json, 0, NULL);

        for (int xml = 0; xml < 2; xml++) {
            char *text = NULL;
            size_t n = 0;
            FILE *out = open_memstream(&text, &n);

            assert_non_null(out);
            cli_format_expect(out, j, xml ? CLI_FORMAT_XML : 0);
            fclose(out);
            assert_string_equal(text, xml ? rows[i].xml : rows[i].text);
            free(text);
        }
        json_decref(j);
    }
}

static void broken_answers_do_no_harm(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        "3",
        "{\"status\":[1,null]}",
        "{\"original\":7}",
        "{\"start\":\"yesterday\",\"timeout\":\"x\"}",
    };
    struct timespec now = {0};
    FILE *out = fopen("/dev/null", "w");
    unsigned flags;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *j = json_loads(rows[i], JSON_DECODE_ANY, NULL);

        for (flags = 0; flags < 64; flags++)
            cli_format_flow(out, j, flags, CLI_FORMAT_DESTROY, now);
        cli_format_stats(out, j);
        json_decref(j);
    }
    assert_int_equal(fclose(out), 0);
}

static void stats_are_one_line_a_shard(void **state)
{
    json_t *j = json_loads("{\"shards\":[{\"shard\":0,\"counters\":{\"found\":"
                           "1,\"icmp_error\":7,\"chaintoolong\":3}},{}]}",
                           0, NULL);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    (void)state;
    cli_format_stats(out, j);
    (void)fclose(out);
    assert_string_equal(
        text, "cpu=0   \tfound=1 invalid=0 insert=0 insert_failed=0 drop=0 "
              "early_drop=0 error=7 search_restart=0 clash_resolve=0 "
              "chaintoolong=3 \n"
              "cpu=1   \tfound=0 invalid=0 insert=0 insert_failed=0 drop=0 "
              "early_drop=0 error=0 search_restart=0 clash_resolve=0 "
              "chaintoolong=0 \n");
    free(text);
    json_decref(j);
}

/* The words of line as argv; the exit code. */
static int read_line(struct cli_options *o, const char *line)
{
    static char copy[512];
    char name[] = "conntrack", *argv[32] = {name}, *word, *rest;
    int argc = 1;

    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (word = strtok_r(copy, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return cli_options_read(o, argc, argv);
}

static void options_become_a_query(void **state)
{
    static const struct {
        const char *line;
        char command;
        const char *query;
    } rows[] = {
        {"-L", 'L', ""},
        {"-L conntrack", 'L', ""},
        {"-L expect -o json", 'L', ""},
        {"-L expect -o xml", 'L', ""},
        {"--dump -p tcp --sport 80:90", 'L', "?proto=tcp&sport=80%3A90"},
        {"-L -s 10.0.0.0/8 -d fd00::1", 'L', "?src=10.0.0.0/8&dst=fd00%3A%3A1"},
        {"-L -r 1.2.3.4 -q 5.6.7.8", 'L',
         "?reply_src=1.2.3.4&reply_dst=5.6.7.8"},
        {"-L --state ESTABLISHED -u ASSURED,SEEN_REPLY", 'L',
         "?state=ESTABLISHED&status=ASSURED%2CSEEN_REPLY"},
        {"-L -n", 'L', "?nat=src"},
        {"-L -n -f ipv6", 'L', "?nat=src&family=ipv6"},
        {"-L -n 1.2.3.4", 'L', "?src_nat=1.2.3.4"},
        {"-L -n 1.2.3.4:5555", 'L', "?src_nat=1.2.3.4&reply_dport=5555"},
        {"-L --dst-nat=1.2.3.4:80", 'L', "?dst_nat=1.2.3.4&reply_sport=80"},
        {"-L -j 1.2.3.4", 'L', "?any_nat=1.2.3.4"},
        {"-L -g", 'L', "?nat=dst"},
        {"-L -m 5/0xff -w 3", 'L', "?mark=5/0xff&zone=3"},
        {"-L -l 7", 'L', "?label=7"},
        {"-L --orig-zone 3 --reply-zone 4", 'L', "?zone_orig=3&zone_reply=4"},
        {"-D -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 9", 'D',
         "?proto=icmp&icmp_type=8&icmp_code=0&icmp_id=9"},
        {"-G -p tcp -s 1.2.3.4 -d 5.6.7.8 --sport 1", 'G',
         "?proto=tcp&src=1.2.3.4&dst=5.6.7.8&sport=1"},
        {"--get -p 47 -r 1.2.3.4 -q 5.6.7.8", 'G',
         "?proto=47&reply_src=1.2.3.4&reply_dst=5.6.7.8"},
        {"-E -e NEW,DESTROY -o timestamp,id", 'E', ""},
        {"-C", 'C', ""},
        {"-S", 'S', ""},
        {"-F --socket /tmp/x", 'F', ""},
        {"--help", 'h', ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cli_options o;

        assert_int_equal(read_line(&o, rows[i].line), 0);
        assert_int_equal(o.command, rows[i].command);
        assert_string_equal(o.query, rows[i].query);
    }
}

static void wrong_lines_answer_2(void **state)
{
    static const char *const rows[] = {
        "",
        "-L -C",
        "-D expect",
        "-G",
        "-G -s 1.2.3.4 -d 5.6.7.8",
        "-G -p tcp -s 1.2.3.4 -q 5.6.7.8",
        "-G expect",
        "-L -o nosuch",
        "-L expect -p tcp",
        "-L expect -o save",
        "-Q",
        "-L --nosuch",
        "-s 1.2.3.4",
        "-E -e FOO",
        "-L -s",
        "-L -e NEW",
        "-C -p tcp",
        "-F -s 1.2.3.4",
        "-C -o json",
        "-S -o xml",
        "-F -o id",
        "-L x y",
        "-L -o save,id",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cli_options o;

        if (read_line(&o, rows[i]) != 2)
            fail_msg("`%s' is taken", rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_conntrack_s),
        cmocka_unit_test(expectations_are_conntrack_s),
        cmocka_unit_test(broken_answers_do_no_harm),
        cmocka_unit_test(stats_are_one_line_a_shard),
        cmocka_unit_test(options_become_a_query),
        cmocka_unit_test(wrong_lines_answer_2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
