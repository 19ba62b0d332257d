/* cmd.h - the subcommands that work on a configuration file
 *
 * argv[0] is the subcommand's name; each answers with the exit code. */
#ifndef CMD_H
#define CMD_H

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);

#endif
