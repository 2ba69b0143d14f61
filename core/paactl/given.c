/* SPDX-License-Identifier: MIT */
/* given.h's reading: the command line and the files it names. */
#include "given.h"

#include "file.h"
#include "out.h"
#include "str.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

/* The texts of fields may be secrets: no complaint repeats one. */
static bool add_field(struct given *given, struct paa_str line, const char *where, size_t number)
{
    if (given->field_count == GIVEN_FIELDS_MAX) {
        complain("%s: more than %d header fields", given->command, GIVEN_FIELDS_MAX);
        return false;
    }
    if (given_field_parse(line, &given->fields[given->field_count])) {
        given->field_count++;
        return true;
    }
    if (where == NULL)
        complain("%s: -H takes 'Name: value', @FILE or @-", given->command);
    else
        complain("%s: %s:%zu: a header field looks like Name: value", given->command, where,
                 number);
    return false;
}

static bool add_lines(struct given *given, const char *name)
{
    struct buf *file = &given->files[given->file_count++];
    struct paa_str text;
    size_t number = 0;

    if (!file_read(name, GIVEN_FILE_MAX, file))
        return false;
    text = buf_str(file);
    for (size_t from = 0; from < text.size; number++) {
        size_t end = str_find(text, '\n', from);
        struct paa_str line = str_slice(text, from, end);

        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        from = end + 1;
        if (line.size > 0 &&
            !add_field(given, line, strcmp(name, "-") == 0 ? "(input)" : name, number + 1))
            return false;
    }
    return true;
}

static bool read_fields(struct given *given, const struct texts *headers)
{
    bool has_stdin = false;

    given->fields = calloc(GIVEN_FIELDS_MAX, sizeof *given->fields);
    given->files = calloc(headers->count + 1, sizeof *given->files);
    if (given->fields == NULL || given->files == NULL) {
        complain("out of memory");
        return false;
    }
    for (size_t i = 0; i < headers->count; i++) {
        const char *text = headers->items[i];
        bool is_stdin = strcmp(text, "@-") == 0;

        if (is_stdin && has_stdin) {
            complain("%s: standard input can be read once: give one -H @-", given->command);
            return false;
        }
        has_stdin = has_stdin || is_stdin;
        if (!(text[0] == '@' ? add_lines(given, text + 1)
                             : add_field(given, paa_str_of(text), NULL, 0)))
            return false;
    }
    return true;
}

static bool read_certs(struct given *given, const struct texts *names)
{
    for (size_t i = 0; i < names->count; i++) {
        struct buf file;
        const char *wrong = NULL;
        bool is_read = file_read(names->items[i], PEM_TEXT_MAX, &file);

        if (is_read)
            wrong = pem_read(&given->certs, buf_str(&file));
        buf_free(&file);
        if (wrong != NULL)
            complain("explain: --client-cert %s: %s", names->items[i], wrong);
        if (!is_read || wrong != NULL)
            return false;
    }
    return true;
}

static bool read_address(const char *option, const char *text, struct sockaddr_storage *ret_address,
                         size_t *ret_size)
{
    if (text == NULL)
        return true;
    *ret_size = given_address_parse(text, ret_address);
    if (*ret_size == 0)
        complain("explain: %s %s: give a numeric address (192.0.2.7, 2001:db8::7) without port, or "
                 "unix:",
                 option, text);
    return *ret_size > 0;
}

static bool read_time(struct given *given, const struct args *args)
{
    if (args->at == NULL)
        return true;
    if (args->online) {
        complain("explain: --at and --online exclude each other: what is fetched and written is "
                 "of today");
        return false;
    }
    given->has_time = time_parse(paa_str_of(args->at), &given->time_s) && given->time_s >= 0 &&
                      given->time_s <= INT64_MAX / 1000000000;
    if (!given->has_time)
        complain("explain: --at %s: give RFC 3339 (2027-01-31T12:00:00Z) or Unix seconds",
                 args->at);
    return given->has_time;
}

static bool read_url(struct given *given, const char *url)
{
    const char *wrong = given_url_parse(paa_str_of(url), &given->url);

    if (wrong != NULL)
        complain("%s: URL: %s", given->command, wrong);
    given->whole_url = url;
    return wrong == NULL;
}

bool given_read(struct given *given, const struct args *args, const char *command)
{
    memset(given, 0, sizeof *given);
    given->command = command;
    pem_init(&given->certs);
    given->service = args->rest.items[0];
    given->method = args->rest.items[1];
    return read_url(given, args->rest.items[2]) && read_time(given, args) &&
           read_address("--peer", args->peer, &given->peer, &given->peer_size) &&
           read_address("--client", args->client, &given->client, &given->client_size) &&
           read_certs(given, &args->certs) && read_fields(given, &args->headers);
}

void given_free(struct given *given)
{
    for (size_t i = 0; i < given->file_count; i++)
        buf_free(&given->files[i]);
    free(given->files);
    free(given->fields);
    pem_free(&given->certs);
    memset(given, 0, sizeof *given);
}
