/* SPDX-License-Identifier: MIT */
/* args.h's table and its one reader. */
#include "args.h"

#include "near.h"
#include "out.h"

#include <stdlib.h>
#include <string.h>

#define MEMBER(name) offsetof(struct args, name)

const struct option_row option_rows[] = {
    { 'c', "policy", "FILE", COMMAND_EXPLAIN | COMMAND_REQUEST | COMMAND_RUN, TAKE_TEXT,
      MEMBER(policy), "the policy: a file, or a directory of *.conf" },
    { 'H', "header", "FIELD", COMMAND_EXPLAIN | COMMAND_REQUEST, TAKE_LIST, MEMBER(headers),
      "a header field 'Name: value'; @FILE, @- (standard input): one a line" },
    { 'd', "data", "FILE", COMMAND_REQUEST, TAKE_TEXT, MEMBER(data),
      "send this file's content; -: standard input's" },
    { 0, "at", "TIME", COMMAND_EXPLAIN, TAKE_TEXT, MEMBER(at),
      "as if it were that time: RFC 3339 or Unix seconds; not with --online" },
    { 0, "online", NULL, COMMAND_EXPLAIN, TAKE_FLAG, MEMBER(online),
      "fetch what a step asks for, and use the stores as a host does" },
    { 0, "client-cert", "PEM", COMMAND_EXPLAIN, TAKE_LIST, MEMBER(certs),
      "a file of certificates that the client showed, leaf first" },
    { 0, "peer", "ADDRESS", COMMAND_EXPLAIN, TAKE_TEXT, MEMBER(peer),
      "the address the connection comes from: numeric, or unix:" },
    { 0, "client", "ADDRESS", COMMAND_EXPLAIN, TAKE_TEXT, MEMBER(client),
      "the address the host believes the client has, behind proxies" },
    { 0, "reveal", NULL, COMMAND_EXPLAIN, TAKE_FLAG, MEMBER(reveal),
      "show the secrets that would be sent, and the URL's query" },
    { 0, "no-browser", NULL, COMMAND_RUN | COMMAND_REQUEST, TAKE_FLAG, MEMBER(no_browser),
      "never open the system's browser: show where to go" },
    { 0, "allow-plugin", "PATH", COMMAND_CHECK, TAKE_LIST, MEMBER(allow_plugins),
      "load this plugin too, though outside the plugin directory; absolute" },
    { 0, "plugin-dir", "DIR",
      COMMAND_CHECK | COMMAND_EXPLAIN | COMMAND_PLUGINS | COMMAND_REQUEST | COMMAND_RUN, TAKE_TEXT,
      MEMBER(plugin_dir), "where plugins are; else where libpaa was installed to look" },
    { 0, "json", NULL, COMMAND_CHECK | COMMAND_EXPLAIN | COMMAND_PLUGINS | COMMAND_RUN, TAKE_FLAG,
      MEMBER(json), "write JSON, as paactl(1) describes it" },
    { 'h', "help", NULL, COMMAND_ALL, TAKE_FLAG, MEMBER(help), "show this help" },
};
const size_t option_row_count = sizeof option_rows / sizeof option_rows[0];

struct reader {
    struct args *args;
    enum command_bit command;
    const char *command_name;
    const char *const *argv;
    int argc;
    int next;
};

static bool wrong(const struct reader *reader, const char *what, const char *option)
{
    complain("%s: %s %s; `paactl %s --help` lists the options", reader->command_name, what, option,
             reader->command_name);
    return false;
}

static const struct option_row *find_long(const struct reader *reader, struct paa_str name)
{
    for (size_t i = 0; i < option_row_count; i++)
        if ((option_rows[i].commands & (unsigned)reader->command) != 0 &&
            paa_str_eq(name, option_rows[i].name))
            return &option_rows[i];
    return NULL;
}

static const struct option_row *find_letter(const struct reader *reader, char letter)
{
    for (size_t i = 0; i < option_row_count; i++)
        if ((option_rows[i].commands & (unsigned)reader->command) != 0 &&
            option_rows[i].letter == letter)
            return &option_rows[i];
    return NULL;
}

static bool unknown(const struct reader *reader, struct paa_str name)
{
    const char *words[32];
    const char *near;
    size_t count = 0;

    for (size_t i = 0; i < option_row_count && count < 32; i++)
        if ((option_rows[i].commands & (unsigned)reader->command) != 0)
            words[count++] = option_rows[i].name;
    near = near_word(name, words, count);
    if (near == NULL)
        return wrong(reader, "there is no option", reader->argv[reader->next - 1]);
    complain("%s: there is no option --%.*s; did you mean --%s?", reader->command_name,
             (int)name.size, name.data, near);
    return false;
}

static void append(struct texts *texts, const char *text)
{
    texts->items[texts->count++] = text;
}

static bool store(const struct reader *reader, const struct option_row *row, const char *value)
{
    void *member = (char *)reader->args + row->member;

    if (row->take == TAKE_FLAG) {
        *(bool *)member = true;
    } else if (row->take == TAKE_LIST) {
        append(member, value);
    } else {
        const char **text = member;

        if (*text != NULL) {
            complain("%s: --%s is given twice", reader->command_name, row->name);
            return false;
        }
        *text = value;
    }
    return true;
}

/* inline_value: what stood behind "=" or the letter; NULL: nothing did. */
static bool take(struct reader *reader, const struct option_row *row, const char *inline_value)
{
    const char *option = reader->argv[reader->next - 1];

    if (row->value == NULL && inline_value != NULL)
        return wrong(reader, "this option takes no value:", option);
    if (row->value == NULL || inline_value != NULL)
        return store(reader, row, inline_value);
    if (reader->next >= reader->argc)
        return wrong(reader, "a value is missing behind", option);
    reader->next++;
    return store(reader, row, reader->argv[reader->next - 1]);
}

static bool take_long(struct reader *reader, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t size = equals != NULL ? (size_t)(equals - text) : strlen(text);
    struct paa_str name = paa_str_of_n(text, size);
    const struct option_row *row = find_long(reader, name);

    if (row == NULL)
        return unknown(reader, name);
    return take(reader, row, equals != NULL ? equals + 1 : NULL);
}

static bool take_letter(struct reader *reader, const char *text)
{
    const struct option_row *row = find_letter(reader, text[0]);

    if (row == NULL)
        return wrong(reader, "there is no option", reader->argv[reader->next - 1]);
    return take(reader, row, text[1] != '\0' ? text + 1 : NULL);
}

static bool read_all(struct reader *reader)
{
    bool is_over = false;

    while (reader->next < reader->argc) {
        const char *text = reader->argv[reader->next++];

        if (is_over || text[0] != '-' || text[1] == '\0')
            append(&reader->args->rest, text);
        else if (strcmp(text, "--") == 0)
            is_over = true;
        else if (!(text[1] == '-' ? take_long(reader, text + 2) : take_letter(reader, text + 1)))
            return false;
    }
    return true;
}

bool args_parse(struct args *args, enum command_bit command, const char *command_name, int argc,
                const char *const *argv)
{
    struct reader reader = { args, command, command_name, argv, argc, 0 };
    struct texts *const lists[] = { &args->headers, &args->certs, &args->allow_plugins,
                                    &args->rest };

    memset(args, 0, sizeof *args);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        lists[i]->items = calloc((size_t)argc + 1, sizeof *lists[i]->items);
        if (lists[i]->items == NULL) {
            complain("out of memory");
            return false;
        }
    }
    return read_all(&reader);
}

void args_free(struct args *args)
{
    free(args->headers.items);
    free(args->certs.items);
    free(args->allow_plugins.items);
    free(args->rest.items);
    memset(args, 0, sizeof *args);
}
