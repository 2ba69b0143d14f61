/* SPDX-License-Identifier: MIT */
/* API keys as operators hand them out and clients show them: verbs with arguments and input, and what a request was
 * told. */
#ifndef TESTS_APIKEYS_H
#define TESTS_APIKEYS_H

#include "host_keys.h"
#include "test.h"

#include <arpa/inet.h>

#define STORED "stores = { keys = \"keys.db\"; };\n"
/* An instance of apikey, and the rule "/NAME" that asks it alone. */
#define KEYS(name, options) name " = { plugin = \"apikey\"; " options " };\n"
#define ASKS(name)          "{ path = \"/" name "\"; chain = ( { required = \"" name "\" } ); }"

enum { KEYS_WORDS_MAX = 8, KEYS_LINE_MAX = 700, DAY_S = 24 * 3600 };

/* ---- verbs ------------------------------------------------------------------------------------- */

struct keys_said {
    struct host_output output; /* first: host_write_output finds it */
    const char *input;
    int status;
};

static inline int64_t keys_read_line(char *ret_line, size_t size, void *user)
{
    struct keys_said *said = user;
    size_t length = strcspn(said->input, "\n");

    if (*said->input == '\0' || length > size)
        return -1;
    memcpy(ret_line, said->input, length);
    said->input += length + (said->input[length] == '\n');
    return (int64_t)length;
}

static inline struct keys_said keys_run_list(struct host *host, const char *input,
                                             const char *instance, const char *verb, va_list words)
{
    struct keys_said said = { .input = input };
    const char *arguments[KEYS_WORDS_MAX];
    struct paa_command command;

    paa_init(&command, sizeof command);
    command.flags = PAA_COMMAND_JSON;
    command.instance = instance;
    command.verb = verb;
    command.arguments = arguments;
    while (command.argument_count < KEYS_WORDS_MAX &&
           (arguments[command.argument_count] = va_arg(words, const char *)) != NULL)
        command.argument_count++;
    command.write_fn = host_write_output;
    command.read_fn = keys_read_line;
    command.user = &said;
    said.status = paa_context_run(host->context, &command, &host->error);
    return said;
}

/* Words "name=value" until NULL. */
static inline struct keys_said keys_run(struct host *host, const char *instance, const char *verb,
                                        ...)
{
    struct keys_said said;
    va_list words;

    va_start(words, verb);
    said = keys_run_list(host, "", instance, verb, words);
    va_end(words);
    return said;
}

/* Lines of input for the instance; words as keys_run. */
static inline struct keys_said keys_import(struct host *host, const char *instance,
                                           const char *input, ...)
{
    struct keys_said said;
    va_list words;

    va_start(words, input);
    said = keys_run_list(host, input, instance, "import", words);
    va_end(words);
    return said;
}

/* Minted by the instance with these words until NULL; false: it was not. key.line is "apikey: …". */
static inline bool keys_mint(struct host *host, struct host_key *ret_key, const char *instance, ...)
{
    struct keys_said said;
    va_list words;

    va_start(words, instance);
    said = keys_run_list(host, "", instance, "mint", words);
    va_end(words);
    if (said.status != 0 || !json_value(said.output.text, "id", ret_key->id, sizeof ret_key->id) ||
        !json_value(said.output.text, "key", ret_key->text, sizeof ret_key->text))
        return false;
    (void)snprintf(ret_key->line, sizeof ret_key->line, "apikey: %s", ret_key->text);
    return true;
}

static inline struct keys_said keys_change(struct host *host, const char *verb,
                                           const struct host_key *key, const char *word)
{
    char id[32];

    (void)snprintf(id, sizeof id, "id=%s", key->id);
    return keys_run(host, "plain", verb, id, word, NULL);
}

/* ---- requests ---------------------------------------------------------------------------------- */

struct keys_told {
    unsigned code;
    char reason[64];
    char subject[64];
    char scope[64];
};

static inline void keys_copy(char *ret_text, size_t size, struct paa_str text)
{
    (void)snprintf(ret_text, size, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
}

/* Of GET target with that line; from: the client's address as the host believes it, or NULL. */
static inline struct keys_told keys_show_from(struct host *host, const char *from,
                                              const char *target, const char *line)
{
    struct keys_told told = { .code = 0 };
    struct sockaddr_in address = { .sin_family = AF_INET };
    const struct paa_principal *who;
    static struct ask ask;
    enum paa_state state;
    struct paa_txn *txn;

    ask_for(&ask, "GET", target, line, NULL);
    if (from != NULL && inet_pton(AF_INET, from, &address.sin_addr) == 1)
        ask.request.client = paa_bytes_of(&address, sizeof address);
    state = host_ask(host, &ask, &txn);
    told.code = txn_code(state, txn);
    if (paa_txn_step(txn, 0) != NULL)
        keys_copy(told.reason, sizeof told.reason, paa_txn_step(txn, 0)->reason);
    who = paa_txn_principal(txn, 0);
    if (who != NULL) {
        keys_copy(told.subject, sizeof told.subject, who->subject);
        keys_copy(told.scope, sizeof told.scope, who->scope);
    }
    paa_txn_end(&txn);
    return told;
}

#define CHECK_SHOWN_FROM(host, from, target, line, wanted, word)                                   \
    do {                                                                                           \
        struct keys_told shown_told = keys_show_from(host, from, target, line);                    \
        if (shown_told.code != (wanted) || strcmp(shown_told.reason, word) != 0)                   \
            TEST_FAIL("%s, %s: %u \"%s\", not %u \"%s\"", target, line, shown_told.code,           \
                      shown_told.reason, (unsigned)(wanted), word);                                \
    } while (0)
/* The status, and the word that the step said ("": it accepted, or found nothing). */
#define CHECK_SHOWN(host, target, line, wanted, word)                                              \
    CHECK_SHOWN_FROM(host, NULL, target, line, wanted, word)

/* ---- files ------------------------------------------------------------------------------------- */

/* A file beside the policy, for its owner alone; whole or not at all. */
static inline bool keys_put_file(const struct host *host, const char *name, const char *text)
{
    char path[HOST_PATH_MAX + 32], made[HOST_PATH_MAX + 32];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", host->folder, name);
    (void)snprintf(made, sizeof made, "%s/made", host->folder);
    file = fopen(made, "w");
    if (file == NULL)
        return false;
    (void)fchmod(fileno(file), 0600);
    if (fputs(text, file) < 0 || fclose(file) != 0)
        return false;
    return rename(made, path) == 0;
}

#endif
