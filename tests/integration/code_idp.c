/* SPDX-License-Identifier: MIT */
/* Logins at a real provider (idp.h), with curl for a browser: each kind of client, here and on another device,
 * consent and denial, renewal, logout, and a second process that uses what the first one got. */
#include "people.h"
#include "test.h"

#include "idp.h"

#define DEVICE_GRANT "\"urn:ietf:params:oauth:grant-type:device_code\""
#define SECRET       "\"client_secret\":\"the secret: of web+100%\""

/* Beside the provider's own, of which "app" is public. */
static const struct {
    const char *id;
    const char *method;
    const char *proof;
} clients[] = {
    { "web", "client_secret_basic", SECRET },
    { "posts", "client_secret_post", SECRET },
    { "signs", "private_key_jwt", "\"keys\":{\"p256\":\"jwt-p256.pub\"}" },
    { "shows", "tls_client_auth", "\"tls_client_auth_subject_dn\":\"CN=mtls\"" },
    { "itself", "self_signed_tls_client_auth", "\"keys\":{\"one\":\"selfsigned.crt\"}" },
};

static struct idp idp;
static const char
    *answer; /* of the person, to each page: "yes", "no"; NULL: pages go by themselves */

/* more: further members, each with a comma behind it. */
static const char *config(const char *more)
{
    static char text[4096];
    size_t at = (size_t)snprintf(text, sizeof text, "{%s\"clients\":{", more);

    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++)
        at += (size_t)
            snprintf(text + at, sizeof text - at,
                     "%s\"%s\":{\"application_type\":\"native\","
                     "\"redirect_uris\":[\"http://127.0.0.1/callback\"],"
                     "\"grant_types\":[\"authorization_code\",\"refresh_token\"," DEVICE_GRANT
                     "],\"token_endpoint_auth_method\":\"%s\",%s}",
                     i > 0 ? "," : "", clients[i].id, clients[i].method, clients[i].proof);
    (void)snprintf(text + at, sizeof text - at, "}}");
    return text;
}

#define AUTO  config("\"interactions\":\"auto\",\"dpop_nonce\":true,")
#define PAGES config("")

/* ---- the browser, a process of its own: it comes back to the listener by itself ------------------- */

static pid_t browser;

/* In the folder of the provider, with a jar and a page of its own. */
#define GO "curl -sL --cacert ca.crt -c jar.$$ -b jar.$$ -o page.$$ -w '%{url_effective}' "

/* Follows redirects; to a page with a form, it answers. */
static const char script[] = "cd \"$1\" && at=$(" GO "\"$2\") && "
                             "while [ -n \"$3\" ] && grep -q 'method=\"post\"' page.$$; do "
                             "at=$(" GO "-d login=bob -d \"answer=$3\" \"$at\") || exit 1; done";

/* Confirms the code that the address brings along. */
static const char device_script[] =
    "exec >/dev/null; cd \"$1\" && " GO "\"$2\" && "
    "action=$(sed -n 's/.*action=\"\\([^\"]*\\)\".*/\\1/p' page.$$) && "
    "given=$(sed -n 's/.*type=\"hidden\" name=\"\\([^\"]*\\)\" value=\"\\([^\"]*\\)\".*/"
    "-d \\1=\\2/p' page.$$) && " GO "$given -d confirm=yes \"$action\"";

static void look(void)
{
    browser = fork();
    if (browser == 0) {
        (void)execl("/bin/sh", "sh", "-c", person.code[0] != '\0' ? device_script : script,
                    "browser", idp.folder, person.url, answer != NULL ? answer : "", (char *)NULL);
        _exit(127);
    }
}

/* What the browser showed last. */
static bool showed(const char *text)
{
    static char page[64 * 1024];
    char path[64];
    size_t size = 0;
    FILE *file;
    int status;

    (void)snprintf(path, sizeof path, "%s/page.%ld", idp.folder, (long)browser);
    if (browser <= 0 || waitpid(browser, &status, 0) != browser)
        return false;
    browser = 0;
    file = fopen(path, "re");
    if (file != NULL) {
        size = fread(page, 1, sizeof page - 1, file);
        (void)fclose(file);
    }
    page[size] = '\0';
    return strstr(page, text) != NULL;
}

/* ---- the host ----------------------------------------------------------------------------------- */

static bool open_host(struct host *host)
{
    struct paa_context_options context;

    host_options(host, &context);
    context.converse_fn = people_converse;
    context.real_time_fn = NULL; /* the server's clock is the real one */
    context.monotonic_fn = NULL;
    context.random_fn = NULL; /* it remembers every jti */
    return host_open_with(host, &context);
}

static void copy_key(const struct host *host, const char *name)
{
    char from[128], to[HOST_PATH_MAX + 64], text[8192];
    FILE *in, *out;
    size_t size = 0;

    (void)snprintf(from, sizeof from, "%s/%s", idp.folder, name);
    (void)snprintf(to, sizeof to, "%s/%s", host->folder, name);
    in = fopen(from, "re");
    out = fopen(to, "we");
    if (in != NULL && out != NULL) {
        size = fread(text, 1, sizeof text, in);
        (void)fchmod(fileno(out), 0600);
        (void)fwrite(text, 1, size, out);
    }
    if (in != NULL)
        (void)fclose(in);
    if (out != NULL)
        (void)fclose(out);
}

struct way { /* to be known to the server */
    const char *client;
    const char *options;
    const char *scheme;
    bool at_mtls; /* the endpoint that asks for certificates, named in the policy */
};

static bool begin(struct place *place, const struct way *way)
{
    static const char *const files[] = { "ca.crt",   "jwt-p256.key",   "mtls.key",
                                         "mtls.crt", "selfsigned.key", "selfsigned.crt" };
    char policy[4096], endpoint[128] = "";

    memset(place, 0, sizeof *place);
    memset(&person, 0, sizeof person);
    person.looks = look;
    if (!host_init(&place->host))
        return false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        copy_key(&place->host, files[i]);
    sends_secret(place, "the secret: of web+100%");
    if (way->at_mtls)
        (void)snprintf(endpoint, sizeof endpoint, "token_endpoint = \"%s/token\";", idp.mtls);
    (void)snprintf(policy, sizeof policy,
                   PEOPLE_STORE POLICY(
                       "mine = { plugin = \"oauth2-code\"; issuer = \"%s\"; client_id = \"%s\"; "
                       "scope = \"openid offline_access orders:read\"; less_scope = \"refuse\"; "
                       "parameters = [ \"prompt=consent\" ]; resource = \"https://rs256.test/\"; "
                       "%s %s tls = { ca = \"ca.crt\"; }; };\n",
                       OUT("chain = ( { required = \"mine\" } );")),
                   idp.issuer, way->client, endpoint, way->options);
    return host_write(&place->host, policy) && open_host(&place->host);
}

#define SECRET_BASIC "client_secret = \"file:secret\";"
#define SECRET_POST  "client_secret = \"file:secret\"; client_auth = \"client_secret_post\";"
#define SIGNS        "client_key = { key = \"file:jwt-p256.key\"; id = \"p256\"; };"
#define SHOWS(name, method)                                                                        \
    "client_key = { key = \"file:" name ".key\"; certificate = \"" name                            \
    ".crt\"; }; client_auth = \"" method "\";"
#define PUSHED " par = \"required\";"

static const struct way public_client = { "app", "client_auth = \"none\";", "Bearer ", false };

static const struct way ways[] = {
    { "app", "client_auth = \"none\";", "Bearer ", false },
    { "app", "client_auth = \"none\";" PUSHED, "Bearer ", false },
    { "app", "client_auth = \"none\"; dpop = \"required\";", "DPoP ", false },
    { "app", "client_auth = \"none\"; dpop = \"required\";" PUSHED, "DPoP ", false },
    { "web", SECRET_BASIC, "Bearer ", false },
    { "web", SECRET_BASIC PUSHED, "Bearer ", false },
    { "posts", SECRET_POST, "Bearer ", false },
    { "posts", SECRET_POST PUSHED, "Bearer ", false },
    { "signs", SIGNS, "Bearer ", false },
    { "signs", SIGNS PUSHED, "Bearer ", false },
    { "signs", SIGNS "dpop = \"required\";", "DPoP ", false },
    { "shows", SHOWS("mtls", "tls_client_auth"), "Bearer ", true },
    { "shows", SHOWS("mtls", "tls_client_auth") PUSHED, "Bearer ", true },
    { "itself", SHOWS("selfsigned", "self_signed_tls_client_auth"), "Bearer ", true },
    { "itself", SHOWS("selfsigned", "self_signed_tls_client_auth") PUSHED, "Bearer ", true },
};

TEST(each_kind_of_client_logs_somebody_in_renews_and_logs_out)
{
    struct place place;
    struct sent sent, again;

    answer = NULL;
    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, AUTO));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        CHECK(begin(&place, &ways[i]));
        if (people_run(&place.host, "login", NULL) != 0)
            TEST_FAIL("%s, %s: %s\n%s", ways[i].client, ways[i].options, place.host.error.text,
                      place.host.log);
        CHECK(showed("You are logged in"));
        CHECK_HAS(people_output, "alice");
        sent = sends(&place.host);
        CHECK(strncmp(sent.authorization, ways[i].scheme, strlen(ways[i].scheme)) == 0);
        again = sends_again(&place.host, &sent, 401, NULL, 0);
        CHECK(strncmp(again.authorization, ways[i].scheme, strlen(ways[i].scheme)) == 0);
        CHECK(strcmp(again.authorization, sent.authorization) != 0);
        people_leave(&place);
        CHECK(open_host(&place.host)); /* another process would find the same */
        CHECK_STR(paa_str_of(sends(&place.host).authorization), again.authorization);
        if (people_run(&place.host, "logout", NULL) != 0)
            TEST_FAIL("%s: %s", ways[i].options, place.host.error.text);
        CHECK_STR(paa_str_of(sends(&place.host).reason), "no-login");
        host_close(&place.host);
    }
    idp_stop(&idp);
}

/* ---- on another device: a poll comes five seconds after the code, so that all log in at once -------- */

/* In a process of its own: its status is 0 if all went well. */
static int log_in_on_device(const struct way *way)
{
    struct place place;
    struct sent sent = { 0 };

    CHECK(begin(&place, way));
    if (people_run(&place.host, "login", "device=true") != 0)
        TEST_FAIL("%s, %s: %s\n%s", way->client, way->options, place.host.error.text,
                  place.host.log);
    CHECK(showed("Go back to your device"));
    CHECK_HAS(people_output, "alice");
    sent = sends(&place.host);
    CHECK(strncmp(sent.authorization, way->scheme, strlen(way->scheme)) == 0);
    CHECK_INT(people_run(&place.host, "logout", NULL), 0);
    host_close(&place.host);
    return test_failures != 0;
}

TEST(each_kind_of_client_logs_somebody_in_on_another_device)
{
    enum { WAYS = sizeof ways / sizeof ways[0] };
    pid_t children[WAYS];
    int status;

    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, AUTO));
    for (size_t i = 0; i < WAYS; i++) {
        (void)fflush(NULL);
        children[i] = fork();
        if (children[i] == 0)
            _exit(log_in_on_device(&ways[i]));
    }
    for (size_t i = 0; i < WAYS; i++)
        if (waitpid(children[i], &status, 0) != children[i] || status != 0)
            TEST_FAIL("%s, %s", ways[i].client, ways[i].options);
    idp_stop(&idp);
}

TEST(people_agree_or_say_no_on_the_pages_of_the_provider)
{
    struct place place;

    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, PAGES));
    CHECK(begin(&place, &public_client));
    answer = "no";
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK(showed("You are not logged in"));
    CHECK_HAS(place.host.error.text, "did not agree");
    answer = "yes";
    CHECK_INT(people_run(&place.host, "login", NULL), 0);
    CHECK(showed("You are logged in"));
    CHECK_HAS(people_output, "bob");
    host_close(&place.host);
    idp_stop(&idp);
}

/* The provider ends the whole login when a refresh token comes twice: another copy of the store was a thief's. */
TEST(a_refresh_token_that_somebody_else_has_spent_ends_the_login)
{
    char command[4 * HOST_PATH_MAX];
    struct place place;
    struct sent sent;

    answer = NULL;
    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, AUTO));
    CHECK(begin(&place, &public_client));
    CHECK_INT(people_run(&place.host, "login", NULL), 0);
    people_leave(&place);
    (void)snprintf(command, sizeof command, "cp -r %s %s.copy", place.host.folder,
                   place.host.folder);
    CHECK_INT(system(command), 0);
    CHECK(open_host(&place.host));
    sent = sends(&place.host);
    CHECK_INT(sends_again(&place.host, &sent, 401, NULL, 0).code, 200);
    people_leave(&place);
    (void)snprintf(command, sizeof command, "rm -r %s && mv %s.copy %s", place.host.folder,
                   place.host.folder, place.host.folder);
    CHECK_INT(system(command), 0);
    CHECK(open_host(&place.host));
    sent = sends(&place.host);
    CHECK_STR(paa_str_of(sends_again(&place.host, &sent, 401, NULL, 0).reason), "login-ended");
    host_close(&place.host);
    idp_stop(&idp);
}
