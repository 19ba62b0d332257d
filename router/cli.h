/* cli.h - the subcommands that talk to a running weir
 *
 * argv[0] is the subcommand's name ("conntrack", "health").  Each answers with
 * the exit code: 0 fine, 1 failed, 2 wrong arguments. */
#ifndef CLI_H
#define CLI_H

int cmd_conntrack(int argc, char **argv);
int cmd_health(int argc, char **argv);

#endif
