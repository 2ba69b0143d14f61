/* SPDX-License-Identifier: MIT */
/* What a SECRET or PATH option names. Nothing is opened here, and no value is ever printed. */
#include "options_read.h"
#include "str.h"

enum { EXEC_ARGUMENTS_MAX = 32 }; /* with the path, as services/exec.h runs them */

static struct paa_str behind(struct paa_str text, struct paa_str prefix)
{
    return str_slice(text, prefix.size, text.size);
}

static bool refuse(struct options_reader *reader, const struct node *node, const char *sentence)
{
    char label[LABEL_MAX];

    diag_error(reader->expect.diag, node->where, "%s: %s: %s", reader->owner,
               expect_label(node, label), sentence);
    return false;
}

static bool is_variable(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = char_lower(text.data[i]);

        if (!(c >= 'a' && c <= 'z') && c != '_' && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.size > 0;
}

static bool read_env(struct options_reader *reader, const struct node *node, struct paa_str text,
                     struct option_secret *secret)
{
    secret->kind = OPTION_ENV;
    secret->text = text;
    return is_variable(text) ||
           refuse(reader, node,
                  "\"env:\" needs the name of an environment variable, as in \"env:API_KEY\"");
}

static bool read_file(struct options_reader *reader, const struct node *node, struct paa_str text,
                      struct option_secret *secret)
{
    const char *path;

    if (text.size == 0)
        return refuse(reader, node, "\"file:\" needs a path, as in \"file:/run/secrets/key\"");
    path = expect_path(&reader->expect, reader->folder, text);
    if (path == NULL)
        return false;
    secret->kind = OPTION_FILE;
    secret->text = paa_str_of(path);
    return true;
}

static bool finish_exec(struct options_reader *reader, const struct node *node, const char **argv,
                        struct option_secret *secret)
{
    if (argv[0] == NULL || argv[0][0] != '/')
        return refuse(reader, node,
                      "\"exec:\" needs an absolute path, as in \"exec:/usr/bin/get-key arg\"");
    secret->kind = OPTION_EXEC;
    secret->text = paa_str_of(argv[0]);
    secret->argv = argv;
    return true;
}

/* "exec:/path arg ...", split at blanks; no quoting, no shell. */
static bool read_exec(struct options_reader *reader, const struct node *node, struct paa_str text,
                      struct option_secret *secret)
{
    const char **argv = expect_memory(&reader->expect, EXEC_ARGUMENTS_MAX + 1, sizeof *argv);
    struct paa_str word;
    size_t count = 0;

    if (argv == NULL)
        return false;
    while (str_next(&text, " \t\n", &word)) {
        if (count == EXEC_ARGUMENTS_MAX)
            return refuse(reader, node, "\"exec:\" has more than 32 words");
        argv[count] = arena_str(reader->expect.arena, word).data;
        if (argv[count++] == NULL)
            return refuse(reader, node, "out of memory");
    }
    return finish_exec(reader, node, argv, secret);
}

/* [ "exec:/path", "arg" ]: arguments that hold blanks. */
static bool read_exec_list(struct options_reader *reader, const struct node *node,
                           struct option_secret *secret)
{
    const char **argv = expect_memory(&reader->expect, node->child_count + 1, sizeof *argv);

    if (argv == NULL)
        return false;
    for (size_t i = 0; i < node->child_count; i++)
        if (node->children[i].type != NODE_STRING)
            return refuse(reader, node, "a list must be [ \"exec:/path\", \"argument\" ]");
    if (node->child_count == 0 || !str_starts(node->children[0].string, STR("exec:")))
        return refuse(reader, node, "a list must be [ \"exec:/path\", \"argument\" ]");
    if (node->child_count > EXEC_ARGUMENTS_MAX)
        return refuse(reader, node, "\"exec:\" has more than 32 words");
    for (size_t i = 0; i < node->child_count; i++)
        argv[i] = node->children[i].string.data;
    argv[0] += STR("exec:").size;
    return finish_exec(reader, node, argv, secret);
}

/* "vault:x" may be a literal that holds a colon, so it is not printed. */
static bool looks_like_scheme(struct paa_str text)
{
    size_t colon = str_find(text, ':', 0);

    for (size_t i = 0; i < colon && i < text.size; i++)
        if (char_lower(text.data[i]) < 'a' || char_lower(text.data[i]) > 'z')
            return false;
    return colon > 0 && colon < text.size;
}

static bool read_literal(struct options_reader *reader, const struct node *node,
                         struct option_secret *secret)
{
    struct paa_str text = node->string;
    char label[LABEL_MAX];

    if (str_starts_nocase(text, STR("env:")) || str_starts_nocase(text, STR("file:")) ||
        str_starts_nocase(text, STR("exec:")))
        return refuse(reader, node, "write \"env:\", \"file:\" and \"exec:\" in lower case");
    if (reader->in_key)
        return refuse(reader, node,
                      "it may not stand in the policy itself: say \"file:PATH\", \"env:NAME\" or "
                      "\"exec:PATH\"");
    if (reader->from_words)
        return refuse(reader, node,
                      "a secret in an argument is seen by every user: say \"env:NAME\", "
                      "\"file:PATH\" or \"exec:PATH\"");
    diag_warn(reader->expect.diag, node->where,
              "%s: %s is a literal%s: keep secrets out of the policy, say \"env:NAME\", "
              "\"file:PATH\" or \"exec:PATH\"",
              reader->owner, expect_label(node, label),
              looks_like_scheme(text) ? " (what stands before its colon is no known kind)" : "");
    secret->kind = OPTION_LITERAL;
    secret->text = text;
    return true;
}

bool option_secret_read(struct options_reader *reader, const struct node *node,
                        struct option_secret *ret_secret)
{
    struct paa_str text = node->string;

    if (node->type == NODE_LIST || node->type == NODE_ARRAY)
        return read_exec_list(reader, node, ret_secret);
    if (!expect_string(&reader->expect, node, &text))
        return false;
    if (str_starts(text, STR("env:")))
        return read_env(reader, node, behind(text, STR("env:")), ret_secret);
    if (str_starts(text, STR("file:")))
        return read_file(reader, node, behind(text, STR("file:")), ret_secret);
    if (str_starts(text, STR("exec:")))
        return read_exec(reader, node, behind(text, STR("exec:")), ret_secret);
    return read_literal(reader, node, ret_secret);
}

bool option_path_read(struct options_reader *reader, const struct node *node,
                      struct option_secret *ret_secret)
{
    struct paa_str text;

    if (!expect_string(&reader->expect, node, &text))
        return false;
    if (str_starts_nocase(text, STR("env:")) || str_starts_nocase(text, STR("exec:")))
        return refuse(reader, node, "it must be a path: \"env:\" and \"exec:\" are for secrets");
    if (str_starts(text, STR("file:")))
        text = behind(text, STR("file:"));
    return read_file(reader, node, text, ret_secret);
}
