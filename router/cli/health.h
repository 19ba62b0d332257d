/* health.h - weir health: is a running weir well
 *
 * argv[0] is the subcommand's name.  Answers with the exit code: 0 fine, 1
 * failed, 2 wrong arguments. */
#ifndef CLI_HEALTH_H
#define CLI_HEALTH_H

int cli_health(int argc, char **argv);

#endif
