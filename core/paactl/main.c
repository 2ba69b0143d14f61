/* SPDX-License-Identifier: MIT */
/* paactl: finds the command and runs it. Knows no command's inside. */
#include "command.h"
#include "near.h"
#include "out.h"

#include <locale.h>
#include <string.h>
#include <sys/resource.h>

enum { COMMANDS_MAX = 16 };

/* Keys pass through this process: none of them into a core file. */
static void forbid_core_files(void)
{
    const struct rlimit none = { 0, 0 };

    (void)setrlimit(RLIMIT_CORE, &none);
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS_MAX];
    const char *near;
    size_t count = 0;

    for (; count < command_count && count < COMMANDS_MAX; count++)
        names[count] = commands[count].name;
    near = near_word(paa_str_of(name), names, count);
    if (near != NULL)
        complain("there is no command `%s`; did you mean `%s`?", name, near);
    else
        complain("there is no command `%s`; `paactl --help` lists them", name);
    return EXIT_USAGE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct args args;
    int status = EXIT_USAGE;

    if (!args_parse(&args, command->bit, command->name, argc, (const char *const *)argv))
        goto done;
    if (args.help) {
        status = help_print_command(command);
        goto done;
    }
    if (args.rest.count < command->least || args.rest.count > command->most) {
        complain("usage: paactl %s%s%s; `paactl %s --help` tells more", command->name,
                 command->synopsis[0] != '\0' ? " " : "", command->synopsis, command->name);
        goto done;
    }
    status = command->run(&args);

done:
    args_free(&args);
    return status;
}

static int help_command(const char *name)
{
    const struct command *command = command_find(name);

    return command != NULL ? help_print_command(command) : unknown_command(name);
}

int main(int argc, char **argv)
{
    const struct command *command;

    (void)setlocale(LC_CTYPE, "");
    forbid_core_files();
    if (argc < 2) {
        complain("no command given; `paactl --help` lists them");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help_print();
    if (strcmp(argv[1], "help") == 0)
        return argc > 2 ? help_command(argv[2]) : help_print();
    if (strcmp(argv[1], "--version") == 0)
        return version_run(NULL);
    command = command_find(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    return run_command(command, argc - 2, argv + 2);
}
