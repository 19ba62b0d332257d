/* run.h - weir run: be the router
 *
 * argv[0] is the subcommand's name.  Answers with the exit code: 0 fine, 1
 * failed, 2 wrong arguments. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

int cli_run(int argc, char **argv);

#endif
