/* SPDX-License-Identifier: MIT */
/* `paactl request` as operators meet it: the built program, and a server that says what it received. */
#include "server/fault_server.h"
#include "test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 512, COMMAND_MAX = 4096, OUTPUT_MAX = 32 * 1024 };

struct place {
    char folder[PATH_SIZE];
    struct fault_server *server;
    char origin[FAULT_URL_MAX];
    char out[OUTPUT_MAX]; /* what the last command said */
    char err[OUTPUT_MAX];
};

static void write_file(const struct place *place, const char *name, const char *format, ...)
    PAA_PRINTF(3, 4);

static void write_file(const struct place *place, const char *name, const char *format, ...)
{
    char path[PATH_SIZE + 64];
    va_list arguments;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", place->folder, name);
    file = fopen(path, "w");
    if (file == NULL || fchmod(fileno(file), 0600) != 0)
        abort();
    va_start(arguments, format);
    (void)vfprintf(file, format, arguments);
    va_end(arguments);
    if (fclose(file) != 0)
        abort();
}

static void begin(struct place *place, enum fault_tls tls)
{
    char *slash;

    memset(place, 0, sizeof *place);
    (void)mkdir(WORK_DIR, 0700);
    (void)snprintf(place->folder, sizeof place->folder, "%s/request-XXXXXX", WORK_DIR);
    if (mkdtemp(place->folder) == NULL)
        abort();
    place->server = fault_server_start(tls);
    (void)fault_server_url(place->server, "/", place->origin);
    slash = strrchr(place->origin, '/');
    *slash = '\0';
    write_file(place, "key", "the-key-0123456789abcdef\n");
    write_file(place, "paa.conf",
               "instances = { key = { plugin = \"apikey\"; header = \"X-API-Key\"; "
               "key = \"file:key\"; }; };\n"
               "services = { out = { direction = \"outgoing\"; origins = [ \"%s\" ]; "
               "http_loopback = true; chain = ( { required = \"key\" } ); }; };\n",
               place->origin);
}

static void end(struct place *place)
{
    static const char *const names[] = { "key", "paa.conf", "body", "fields", "out", "err" };
    char path[PATH_SIZE + 64];

    fault_server_stop(place->server);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", place->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(place->folder);
}

static void read_back(const struct place *place, const char *name, char ret_text[OUTPUT_MAX])
{
    char path[PATH_SIZE + 64];
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof path, "%s/%s", place->folder, name);
    file = fopen(path, "r");
    size = file != NULL ? fread(ret_text, 1, OUTPUT_MAX - 1, file) : 0;
    ret_text[size] = '\0';
    if (file != NULL)
        (void)fclose(file);
}

/* `paactl request … out ARGUMENTS`; its exit status. */
static int request(struct place *place, const char *format, ...) PAA_PRINTF(2, 3);

static int request(struct place *place, const char *format, ...)
{
    char arguments[COMMAND_MAX], command[2 * COMMAND_MAX];
    va_list values;
    int status;

    va_start(values, format);
    (void)vsnprintf(arguments, sizeof arguments, format, values);
    va_end(values);
    (void)snprintf(command, sizeof command,
                   "cd '%s' && '%s' request --plugin-dir '%s' -c paa.conf out %s >out 2>err "
                   "</dev/null",
                   place->folder, PAACTL, PLUGIN_DIR, arguments);
    status = system(command);
    read_back(place, "out", place->out);
    read_back(place, "err", place->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(the_key_goes_with_the_request_and_the_answer_comes_out)
{
    static const struct fault_answer answer = { .type = "text/plain",
                                                .headers = "X-Seen: yes\r\n",
                                                .body = "seven\n" };
    struct fault_request seen;
    struct place place;
    char value[64];

    begin(&place, FAULT_TLS_NONE);
    fault_server_answer(place.server, "/v1", &answer);
    write_file(&place, "fields", "X-One: 1\nX-API-Key: forged\n");
    CHECK_INT(request(&place, "GET '%s/v1?a=b' -H 'X-Two: 2' -H @fields", place.origin), 0);
    CHECK_STR(paa_str_of(place.out), "seven\n");
    CHECK_HAS(place.err, "HTTP/1.1 200");
    CHECK_HAS(place.err, "X-Seen: yes");
    REQUIRE(fault_server_last(place.server, &seen));
    CHECK_STR(paa_str_of(seen.target), "/v1?a=b");
    REQUIRE(fault_request_header(&seen, "x-api-key", value, sizeof value));
    CHECK_STR(paa_str_of(value), "the-key-0123456789abcdef");
    REQUIRE(fault_request_header(&seen, "x-one", value, sizeof value));
    CHECK(strstr(seen.headers, "forged") == NULL);
    CHECK(strstr(place.err, "0123456789") == NULL);
    end(&place);
}

TEST(content_is_sent_with_any_method)
{
    struct fault_request seen;
    struct place place;

    begin(&place, FAULT_TLS_NONE);
    fault_server_answer(place.server, "/v1", &(struct fault_answer){ .code = 204 });
    write_file(&place, "body", "{ \"a\": 1 }");
    CHECK_INT(request(&place, "PUT '%s/v1' -d body", place.origin), 0);
    REQUIRE(fault_server_last(place.server, &seen));
    CHECK_STR(paa_str_of(seen.method), "PUT");
    CHECK_STR(paa_str_of(seen.body), "{ \"a\": 1 }");
    end(&place);
}

TEST(the_exit_status_says_what_became_of_it)
{
    struct place place;

    begin(&place, FAULT_TLS_NONE);
    fault_server_answer(place.server, "/401", &(struct fault_answer){ .code = 401, .body = "no" });
    fault_server_answer(place.server, "/302",
                        &(struct fault_answer){ .code = 302, .headers = "Location: /401\r\n" });
    fault_server_answer(place.server, "/cut", &(struct fault_answer){ .flags = FAULT_CLOSE });
    CHECK_INT(request(&place, "GET '%s/401'", place.origin), 1);
    CHECK_STR(paa_str_of(place.out), "no");
    CHECK_INT(request(&place, "GET '%s/302'", place.origin), 1);
    CHECK_INT(fault_server_requests(place.server), 2);
    CHECK_INT(request(&place, "GET '%s/cut'", place.origin), 3);
    CHECK_INT(request(&place, "GET http://127.0.0.1:1/v1"), 1);
    CHECK_HAS(place.err, "origins");
    CHECK_INT(request(&place, "GET"), 2);
    CHECK_INT(request(&place, "GET '%s/v1' -d missing", place.origin), 2);
    end(&place);
}

TEST(a_server_that_nobody_vouches_for_gets_nothing)
{
    struct place place;

    begin(&place, FAULT_TLS_GOOD);
    CHECK_INT(request(&place, "GET '%s/v1'", place.origin), 3);
    CHECK_HAS(place.err, "certificate");
    CHECK_INT(fault_server_requests(place.server), 0);
    end(&place);
}

TEST(the_servers_ca_and_the_clients_certificate_are_the_policys)
{
    struct fault_request seen;
    struct place place;

    begin(&place, FAULT_TLS_CLIENT);
    fault_server_answer(place.server, "/v1", &(struct fault_answer){ .code = 204 });
    fault_server_make_client("alice");
    write_file(
        &place, "paa.conf",
        "instances = { me = { plugin = \"mtls\"; client_key = { key = \"file:%s/alice.key\"; "
        "certificate = \"%s/alice.pem\"; }; }; };\n"
        "services = { out = { direction = \"outgoing\"; origins = [ \"%s\" ]; "
        "tls = { ca = \"%s\"; }; chain = ( { required = \"me\" } ); }; };\n",
        fault_server_folder(), fault_server_folder(), place.origin, fault_server_ca());
    CHECK_INT(request(&place, "GET '%s/v1'", place.origin), 0);
    REQUIRE(fault_server_last(place.server, &seen));
    CHECK_STR(paa_str_of(seen.client), "alice");
    end(&place);
}
