/* SPDX-License-Identifier: MIT */
/* What each command is called with and says about itself. The options come from args.c's table. */
#include "command.h"
#include "out.h"

#include <string.h>

const struct command commands[] = {
    { "check", COMMAND_CHECK, 1, 1, check_run, "FILE [option]...",
      "find what is wrong in a policy, before it serves",
      "Reads the policy FILE (or a directory's *.conf), loads the plugins it names, and checks\n"
      "every option, chain and rule. Executes nothing that the policy names: no exec: secret, no\n"
      "plugin from outside the plugin directory unless --allow-plugin says so. Each finding is "
      "one\n"
      "line, FILE:LINE: error|warning: what is wrong and what to do.\n"
      "Exit status: 0 no error (warnings may be there), 1 errors, 2 called wrongly.\n",
      "  paactl check /etc/paa/orders.conf\n"
      "  paactl check --plugin-dir build/lib/paa --json policies/\n" },
    { "explain", COMMAND_EXPLAIN, 3, 3, explain_run,
      "-c FILE SERVICE METHOD URL [-H 'Name: value' | -H @FILE]... [option]...",
      "walk the chain for one request and show why it ends as it does",
      "Authenticates one request as a host would and shows the rule that matched, what each step\n"
      "said and how long it took, the answer, who it was, and what would be sent on. Nothing is\n"
      "changed: no store is written, nothing is fetched unless --online. Secrets are shown as ***\n"
      "unless --reveal. SERVICE may be incoming or outgoing. URL is a whole URL, or a path (then\n"
      "the Host field, if any, names the authority). Others on this machine can read arguments:\n"
      "give credentials by -H @FILE or -H @-.\n"
      "Exit status: 0 allowed, 1 not, 2 called wrongly or a fault, 3 unavailable (503).\n",
      "  paactl explain -c first.conf hello GET http://localhost:8080/healthz\n"
      "  paactl explain -c orders.conf orders-api GET https://api.example.com/v1/orders\n"
      "  printf 'apikey: %s\\n' \"$KEY\" |\n"
      "    paactl explain -c first.conf hello GET http://localhost:8080/ -H @-\n"
      "  paactl explain --json --at 2027-01-01T00:00:00Z -c orders.conf orders-api GET "
      "/v1/orders\n" },
    { "plugins", COMMAND_PLUGINS, 0, 1, plugins_run, "[NAME] [option]...",
      "list the plugins, or one plugin's options and verbs",
      "Without NAME: the plugins in the plugin directory. With NAME: all options of that plugin,\n"
      "with type, default and meaning, as the plugin itself states them; and its verbs (see\n"
      "paactl run) with their arguments.\n"
      "Exit status: 0 found, 1 there is none, 2 called wrongly.\n",
      "  paactl plugins\n"
      "  paactl plugins apikey\n" },
    { "request", COMMAND_REQUEST, 3, 3, request_run,
      "-c FILE SERVICE METHOD URL [-H FIELD | -H @FILE]... [-d FILE] [option]...",
      "send one request with what the policy attaches",
      "Sends the request as a host would: with the credentials of the outgoing SERVICE, to its\n"
      "origins only, over verified TLS; once more if the peer refuses the credentials and newer\n"
      "ones are at hand. Follows no redirect. The answer's content goes to standard output, its\n"
      "status and header fields to standard error. Others on this machine can read arguments:\n"
      "give secrets by -H @FILE.\n"
      "Exit status: 0 the peer answered 2xx, 1 anything else or not sent, 2 called wrongly or a\n"
      "fault, 3 unavailable: the peer cannot be reached, or no credential can be had now.\n",
      "  paactl request -c billing.conf billing-api GET https://billing.example.com/v1/invoices\n"
      "  paactl request -c billing.conf -H 'Content-Type: application/json' -d invoice.json \\\n"
      "    billing-api POST https://billing.example.com/v1/invoices\n" },
    { "run", COMMAND_RUN, 2, SIZE_MAX, run_run, "-c FILE INSTANCE VERB [name=value]... [option]...",
      "run a verb of an instance: mint, login, status, ...",
      "Verbs are a plugin's own, and so are their arguments. A verb that needs input reads\n"
      "standard input. A key that is minted is shown once, on standard output, and kept nowhere\n"
      "else. A login shows on standard error where to go, and opens the browser if there is one.\n"
      "Exit status: 0 done, 1 no such thing, 2 called wrongly or a fault, 3 unavailable.\n",
      "  paactl run -c orders.conf partner-keys mint client=acme\n"
      "  paactl run -c orders.conf partner-keys list --json\n"
      "  paactl run -c orders.conf partner-keys import < keys.txt\n"
      "  paactl run -c billing.conf billing login\n" },
    { "version", COMMAND_VERSION, 0, 0, version_run, "", "print the version of libpaa",
      "Prints the version of the library that paactl runs with.\n", "  paactl version\n" },
};
const size_t command_count = sizeof commands / sizeof commands[0];

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int help_print(void)
{
    struct out out;

    out_init(&out);
    out_text(&out, "paactl: check and explain PAA policies, and run what their plugins offer.\n\n");
    out_styled(&out, BOLD, "Commands\n");
    for (size_t i = 0; i < command_count; i++) {
        out_text(&out, "  ");
        out_text(&out, commands[i].name);
        out_pad(&out, strlen(commands[i].name), 7);
        out_text(&out, commands[i].summary);
        out_text(&out, "\n");
    }
    out_text(&out, "\n`paactl COMMAND --help` tells more, with examples; paactl(1) tells all.\n"
                   "Exit status: 0 yes, 1 no, 2 called wrongly or broken, 3 unavailable.\n");
    return out_flush(&out) ? EXIT_YES : EXIT_USAGE;
}

static size_t option_width(const struct option_row *row)
{
    return strlen(row->name) + (row->value != NULL ? strlen(row->value) + 1 : 0);
}

static void print_option(struct out *out, const struct option_row *row, size_t width)
{
    if (row->letter != 0)
        out_printf(out, "  -%c, ", row->letter);
    else
        out_text(out, "      ");
    out_printf(out, "--%s", row->name);
    if (row->value != NULL)
        out_printf(out, " %s", row->value);
    out_pad(out, option_width(row), width);
    out_text(out, row->help);
    out_text(out, "\n");
}

int help_print_command(const struct command *command)
{
    struct out out;
    size_t width = 0;

    out_init(&out);
    out_text(&out, "Usage: paactl ");
    out_styled(&out, BOLD, command->name);
    out_text(&out, command->synopsis[0] != '\0' ? " " : "");
    out_text(&out, command->synopsis);
    out_text(&out, "\n\n");
    out_text(&out, command->detail);
    out_styled(&out, BOLD, "\nOptions\n");
    for (int is_printing = 0; is_printing < 2; is_printing++)
        for (size_t i = 0; i < option_row_count; i++) {
            const struct option_row *row = &option_rows[i];

            if ((row->commands & (unsigned)command->bit) == 0)
                continue;
            if (is_printing)
                print_option(&out, row, width);
            else if (option_width(row) > width)
                width = option_width(row);
        }
    out_styled(&out, BOLD, "\nExamples\n");
    out_text(&out, command->examples);
    return out_flush(&out) ? EXIT_YES : EXIT_USAGE;
}
