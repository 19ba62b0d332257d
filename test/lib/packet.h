/* packet.h - packets from one line of text, and back
 *
 *     10.0.1.2:4001 > 198.51.100.2:80 tcp S seq 1000 mss 1460 wscale 7 sackok
 *     10.0.1.2:4001 > 198.51.100.2:80 tcp P. seq 1001 ack 5001 len 100
 *     [2001:db8::1]:5000 > [fd00::2]:53 udp 'who'
 *     10.0.1.2 > 198.51.100.2 icmp echo id 7 seq 1 len 56
 *     192.0.2.9 > 198.51.100.1 icmp 11/0 about {10.0.1.2:9 > ... udp len 8}
 *     10.0.1.2 > 198.51.100.2 proto 47 hex 00000800
 *
 *   packet = end ">" end protocol { word }
 *   end    = IPv4 | IPv4:port | IPv6 | [IPv6] | [IPv6]:port
 *   protocol
 *     tcp FLAGS   of S F R P . U E W (. is ACK), or - for none
 *     udp
 *     udplite     covered as a whole
 *     sctp CHUNKS chunk types of RFC 9260, joined by +, - for none: INIT_ACK,
 *                 COOKIE_ECHO+DATA, ABORT/T (with its T bit), or numbers
 *     dccp TYPE   REQUEST RESPONSE DATA ACK DATAACK CLOSEREQ CLOSE RESET SYNC
 *                 SYNCACK of RFC 4340, LISTEN of RFC 5596, TYPE11 to TYPE15
 *     icmp KIND   echo, reply, or TYPE/CODE; ICMPv6 between IPv6 addresses
 *     proto N     any other, without a header of its own
 *   words, in any order; N is decimal or 0x...
 *     IP       ttl N (64)  tos N  ipid N  df  ipopt HEX  badipsum
 *              frag BYTES or frag BYTES+ (more follow)
 *              hbh N  dstopt N (a header of N bytes)  routing TYPE
 *     TCP      seq N  ack N  win N (65535)  urg N; options as they come:
 *              mss N  wscale N  sackok  sack A-B[,A-B...]  ts A:B  nop
 *              tcpopt HEX
 *     SCTP     vtag N (verification tag)  itag N (initiate tag)
 *     DCCP     seq N  ack N  service N  cscov N  short (sequence numbers)
 *     ICMP     id N  seq N  mtu N (3/4, Packet Too Big)  ptr N
 *              about {packet} [quote N]: what is quoted, and how many bytes of
 *              it behind its IP headers; all of it otherwise, up to 576 or 1280
 *     payload  'text'  hex HEX  len N (letters a to z, again and again)
 *     sums     badsum (transport checksum wrong)  nosum (0: none)
 *              partial (the pseudo header's sum only: NEEDS_CSUM)
 *     trail N  bytes behind the end of the IP packet
 *
 * Lengths and checksums are right unless a word says otherwise.  Nothing here
 * uses the core: what a test compares with must not come from what it tests. */
#ifndef TEST_PACKET_H
#define TEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The packet's length; 0: not understood or no room, and stderr says where. */
size_t packet_build(uint8_t *buf, size_t room, const char *spec);

/* The line that would build it, zero-terminated, cut at room.  What such a
 * line can't say (a broken header, a long odd payload) is said in <...>. */
void packet_print(char *out, size_t room, const uint8_t *data, size_t len);

/* Only "end > end protocol", for traces. */
void packet_print_brief(char *out, size_t room, const uint8_t *data,
                        size_t len);

/* Make every checksum right again after bytes were changed by hand. */
void packet_fix_sums(uint8_t *data, size_t len);

/* Are the IP and transport checksums right, and those of a quoted IP header? */
bool packet_sums_ok(const uint8_t *data, size_t len);

#endif
