/* check.h - weir check: read a configuration file
 *
 * argv[0] is the subcommand's name.  Answers with the exit code: 0 fine, 1
 * failed, 2 wrong arguments. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

int cli_check(int argc, char **argv);

#endif
