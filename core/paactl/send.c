/* SPDX-License-Identifier: MIT */
/* send.h, with libcurl: the only file here that knows it. */
#include "send.h"

#include "out.h"
#include "secret.h"
#include "str.h"

#include <paa/with_curl.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 1024 };

struct sender {
    CURL *curl;
    char error[CURL_ERROR_SIZE];
};

struct sender *sender_new(void)
{
    struct sender *sender = calloc(1, sizeof *sender);

    if (sender != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        sender->curl = curl_easy_init();
    if (sender != NULL && sender->curl != NULL)
        return sender;
    complain("out of memory");
    free(sender);
    return NULL;
}

void sender_free(struct sender *sender)
{
    if (sender == NULL)
        return;
    curl_easy_cleanup(sender->curl);
    curl_global_cleanup();
    free(sender);
}

/* ---- what comes ---------------------------------------------------------------------------------- */

static size_t on_content(char *data, size_t size, size_t count, void *arg)
{
    struct incoming *incoming = arg;

    buf_add(&incoming->content, data, size * count);
    return incoming->content.failed ? 0 : size * count;
}

/* A response that is not the last (100, or that of a proxy) makes room for the next one. */
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct incoming *incoming = arg;

    if (str_starts(paa_str_of_n(data, size * count), STR("HTTP/"))) {
        buf_free(&incoming->header);
        buf_init(&incoming->header, SEND_HEADER_MAX);
    }
    buf_add(&incoming->header, data, size * count);
    return incoming->header.failed ? 0 : size * count;
}

static void add_field(struct incoming *incoming, struct paa_str line)
{
    size_t colon = str_find(line, ':', 0);
    struct paa_field *field = &incoming->fields[incoming->field_count];

    if (colon == line.size || incoming->field_count == FIELDS_MAX)
        return;
    field->name = str_slice(line, 0, colon);
    field->value = str_trim(str_slice(line, colon + 1, line.size));
    incoming->field_count++;
}

static bool read_fields(struct incoming *incoming)
{
    struct paa_str rest = buf_str(&incoming->header), line;

    incoming->fields = calloc(FIELDS_MAX, sizeof *incoming->fields);
    if (incoming->fields == NULL)
        return false;
    while (str_next(&rest, "\r\n", &line))
        add_field(incoming, line);
    return true;
}

void incoming_free(struct incoming *incoming)
{
    buf_free(&incoming->header);
    buf_free(&incoming->content);
    free(incoming->fields);
    memset(incoming, 0, sizeof *incoming);
}

/* ---- what goes ----------------------------------------------------------------------------------- */

static bool add_line(struct curl_slist **lines, const struct paa_field *field)
{
    struct curl_slist *grown;
    struct buf line;

    buf_init(&line, SEND_HEADER_MAX);
    buf_add_str(&line, field->name);
    buf_add_text(&line, field->value.size > 0 ? ": " : ";"); /* libcurl's word for an empty one */
    buf_add_str(&line, field->value);
    buf_add_char(&line, '\0');
    grown = line.failed ? NULL : curl_slist_append(*lines, line.data);
    if (line.data != NULL)
        secret_wipe(line.data, line.size);
    buf_free(&line);
    if (grown != NULL)
        *lines = grown;
    return grown != NULL;
}

static void free_lines(struct curl_slist *lines)
{
    for (struct curl_slist *at = lines; at != NULL; at = at->next)
        secret_wipe(at->data, strlen(at->data));
    curl_slist_free_all(lines);
}

#define SET(option, value) (curl_easy_setopt(curl, CURLOPT_##option, value) == CURLE_OK)

static bool set_content(CURL *curl, const struct outgoing *outgoing)
{
    bool is_head = strcmp(outgoing->method, "HEAD") == 0;
    bool is_get = strcmp(outgoing->method, "GET") == 0;

    if (outgoing->content.data != NULL &&
        !(SET(POST, 1L) && SET(POSTFIELDSIZE_LARGE, (curl_off_t)outgoing->content.size) &&
          SET(POSTFIELDS, (const char *)outgoing->content.data)))
        return false;
    return SET(NOBODY, is_head ? 1L : 0L) &&
           SET(CUSTOMREQUEST,
               is_head || (is_get && outgoing->content.data == NULL) ? NULL : outgoing->method);
}

static bool set_all(CURL *curl, const struct outgoing *outgoing, struct curl_slist *lines,
                    const char *url, struct incoming *incoming)
{
    return SET(URL, url) && SET(PATH_AS_IS, 1L) && SET(PROTOCOLS_STR, "http,https") &&
           SET(FOLLOWLOCATION, 0L) && SET(NETRC, (long)CURL_NETRC_IGNORED) && SET(NOSIGNAL, 1L) &&
           SET(TIMEOUT, (long)SEND_TIMEOUT_S) && SET(SUPPRESS_CONNECT_HEADERS, 1L) &&
           SET(HTTPHEADER, lines) && SET(HEADERFUNCTION, on_header) && SET(HEADERDATA, incoming) &&
           SET(WRITEFUNCTION, on_content) && SET(WRITEDATA, incoming) &&
           set_content(curl, outgoing) && paa_with_curl(curl, outgoing->tls) == CURLE_OK;
}

/* A key that stays in a token is OpenSSL's to ask for. */
static bool reach_token(const struct outgoing *outgoing)
{
    struct paa_error error = { "" };

    if (paa_client_tls_token(outgoing->tls, &error) == 0)
        return true;
    complain("request: %s", error.text);
    return false;
}

static bool perform(struct sender *sender, struct incoming *incoming)
{
    long code = 0;
    CURLcode result;

    sender->error[0] = '\0';
    (void)curl_easy_setopt(sender->curl, CURLOPT_ERRORBUFFER, sender->error);
    result = curl_easy_perform(sender->curl);
    if (incoming->content.failed)
        complain("request: the answer is larger than %d bytes", SEND_CONTENT_MAX);
    else if (result != CURLE_OK)
        complain("request: %s",
                 sender->error[0] != '\0' ? sender->error : curl_easy_strerror(result));
    (void)curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &code);
    incoming->code = (uint32_t)code;
    return result == CURLE_OK;
}

bool sender_send(struct sender *sender, const struct outgoing *outgoing,
                 struct incoming *ret_incoming)
{
    struct curl_slist *lines = curl_slist_append(NULL, "Expect:"); /* not to wait for a 100 */
    char *url = strndup(outgoing->url.data, outgoing->url.size);
    bool is_set = lines != NULL && url != NULL;

    memset(ret_incoming, 0, sizeof *ret_incoming);
    buf_init(&ret_incoming->header, SEND_HEADER_MAX);
    buf_init(&ret_incoming->content, SEND_CONTENT_MAX);
    curl_easy_reset(sender->curl);
    for (size_t i = 0; is_set && i < outgoing->field_count; i++)
        is_set = add_line(&lines, &outgoing->fields[i]);
    is_set = is_set && set_all(sender->curl, outgoing, lines, url, ret_incoming);
    if (!is_set)
        complain("request: libcurl does not take it, or no memory is left");
    is_set = is_set && reach_token(outgoing) && perform(sender, ret_incoming) &&
             read_fields(ret_incoming);
    if (url != NULL)
        secret_wipe(url, strlen(url)); /* a credential may stand in its query */
    free(url);
    free_lines(lines);
    return is_set;
}
