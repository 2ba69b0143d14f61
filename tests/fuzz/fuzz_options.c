/* SPDX-License-Identifier: MIT */
/* Options: no group and no word crashes the reader, and what is read keeps its promises. */
#include "fuzz.h"
#include "options.h"
#include "str.h"

enum { MEMORY_MAX = 64 * 1024 * 1024, WORDS_MAX = 64 };

static const struct paa_option members[] = {
    { .name = "hash", .help = "h", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_REQUIRED },
    { .name = "key", .help = "h", .type = PAA_OPTION_SECRET, .flags = PAA_OPTION_LIST },
};

static const struct paa_option rows[] = {
    { .name = "string", .help = "h", .fallback = "X", .type = PAA_OPTION_STRING },
    { .name = "integer", .help = "h", .type = PAA_OPTION_INTEGER, .min = -5, .max = 9 },
    { .name = "boolean", .help = "h", .type = PAA_OPTION_BOOLEAN },
    { .name = "duration", .help = "h", .type = PAA_OPTION_DURATION, .max = 90000 },
    { .name = "choice", .help = "h", .type = PAA_OPTION_CHOICE, .choices = "one|two" },
    { .name = "url", .help = "h", .type = PAA_OPTION_URL, .flags = PAA_OPTION_INCOMING },
    { .name = "path", .help = "h", .type = PAA_OPTION_PATH, .flags = PAA_OPTION_LIST },
    { .name = "secret", .help = "h", .type = PAA_OPTION_SECRET },
    { .name = "key", .help = "h", .type = PAA_OPTION_KEY },
    { .name = "tls", .help = "h", .type = PAA_OPTION_TLS },
    { .name = "endpoint", .help = "h", .type = PAA_OPTION_ENDPOINT },
    { .name = "group",
      .help = "h",
      .type = PAA_OPTION_GROUP,
      .flags = PAA_OPTION_LIST,
      .members = members,
      .member_count = 2 },
};

static const struct option_rows table = { PAA_ROWS(rows) };

static void judge_finding(enum paa_level level, struct where where, const char *sentence,
                          void *user)
{
    (void)level;
    (void)where;
    (void)user;
    for (const char *c = sentence; *c != '\0'; c++)
        HOLDS((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void count_bytes(void *arg, const void *data, size_t size)
{
    HOLDS(data != NULL);
    *(size_t *)arg += size;
}

static bool judge_value(struct option_entry *entry, struct option_value *value, void *arg)
{
    (void)arg;
    HOLDS(entry->row == value->row);
    if (value->row->type == PAA_OPTION_PATH)
        HOLDS(value->secret.kind == OPTION_FILE);
    if (value->secret.kind == OPTION_FILE || value->secret.kind == OPTION_EXEC)
        HOLDS(value->secret.text.data[0] == '/');
    if (value->secret.kind == OPTION_EXEC)
        HOLDS(value->secret.argv != NULL && value->secret.argv[0] != NULL);
    return true;
}

static void judge(struct paa_options *options)
{
    const struct paa_host_options *host = &config_host_options;
    size_t size = 0;

    HOLDS(options_each(options, judge_value, NULL));
    options_digest(options, count_bytes, &size);
    HOLDS(size > 0);
    HOLDS(host->string(options, "string", 0).data != NULL);
    HOLDS(host->count(options, "integer") == 0 ||
          (host->number(options, "integer", 0) >= -5 && host->number(options, "integer", 0) <= 9));
    HOLDS(host->number(options, "duration", 0) <= 90000);
    HOLDS(host->string(options, "secret", 0).data == NULL);
    HOLDS(host->count(options, "nobody") == 0);
}

static void read_group(struct paa_str text)
{
    struct diag findings = { .fn = judge_finding };
    struct paa_options *options;
    struct node *root;
    struct arena arena;

    arena_init(&arena, NULL, 0, MEMORY_MAX);
    root = node_parse(text, "t", &arena, &findings);
    if (root != NULL) {
        options = options_read(root, &table, OPTIONS_USED_OUTGOING, "instance x", "/etc/paa", NULL,
                               0, &arena, &findings);
        HOLDS((options == NULL) == (findings.errors > 0));
        if (options != NULL)
            judge(options);
    }
    arena_free(&arena);
}

/* One word a line. */
static void read_words(struct paa_str text)
{
    const char *words[WORDS_MAX];
    struct paa_options *options;
    struct paa_error error;
    struct arena arena;
    struct paa_str word;
    size_t count = 0;

    arena_init(&arena, NULL, 0, MEMORY_MAX);
    while (count < WORDS_MAX && str_next(&text, "\n", &word)) {
        words[count] = arena_str(&arena, word).data;
        HOLDS(words[count++] != NULL);
    }
    options = options_from_words(words, count, &table, "mint", "/", &arena, &error);
    HOLDS((options == NULL) == (error.text[0] != '\0'));
    if (options != NULL)
        judge(options);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n(size > 0 ? (const char *)data : "", size);

    read_group(text);
    read_words(text);
    return 0;
}
