/* conntrack.h - weir conntrack: list, watch, delete flows of a running weir
 *
 * argv[0] is the subcommand's name.  Answers with the exit code: 0 fine, 1
 * failed, 2 wrong arguments. */
#ifndef CLI_CONNTRACK_H
#define CLI_CONNTRACK_H

int cli_conntrack(int argc, char **argv);

#endif
