/* SPDX-License-Identifier: MIT */
/* Logins at a real provider (idp.h), with curl for a browser: each kind of client, consent and denial, renewal, logout,
 * and a second process that uses what the first one got. */
#include "people.h"
#include "test.h"

#include "idp.h"

#define CONFIG                                                                                     \
    "\"clients\":{\"web\":{\"application_type\":\"native\",\"grant_types\":[\"authorization_"      \
    "code\",\"refresh_token\"],\"token_endpoint_auth_method\":\"client_secret_basic\",\"client_"   \
    "secret\":\"the secret: of web+100%\",\"redirect_uris\":[\"http://127.0.0.1/callback\"]},"     \
    "\"signs\":{\"application_type\":\"native\",\"grant_types\":[\"authorization_code\","          \
    "\"refresh_token\"],\"token_endpoint_auth_method\":\"private_key_jwt\",\"keys\":{\"p256\":"    \
    "\"jwt-p256.pub\"},\"redirect_uris\":[\"http://127.0.0.1/callback\"]}}"
#define AUTO  "{\"interactions\":\"auto\",\"dpop_nonce\":true," CONFIG "}"
#define PAGES "{" CONFIG "}"

static struct idp idp;
static const char
    *answer; /* of the person, to each page: "yes", "no"; NULL: pages go by themselves */

/* ---- the browser, a process of its own: it comes back to the listener by itself ------------------- */

static pid_t browser;

/* Follows redirects; to a page with a form, it answers. */
static const char script[] =
    "cd \"$1\" && at=$(curl -sL --cacert ca.crt -c jar -b jar -o page -w '%{url_effective}' "
    "\"$2\") "
    "&& while [ -n \"$3\" ] && grep -q 'method=\"post\"' page; do "
    "at=$(curl -sL --cacert ca.crt -c jar -b jar -o page -w '%{url_effective}' "
    "-d login=bob -d \"answer=$3\" \"$at\") || exit 1; done";

static void look(void)
{
    char file[64];

    (void)snprintf(file, sizeof file, "%s/jar", idp.folder);
    (void)unlink(file);
    browser = fork();
    if (browser == 0) {
        (void)execl("/bin/sh", "sh", "-c", script, "browser", idp.folder, person.url,
                    answer != NULL ? answer : "", (char *)NULL);
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

    if (browser <= 0 || waitpid(browser, &status, 0) != browser)
        return false;
    browser = 0;
    (void)snprintf(path, sizeof path, "%s/page", idp.folder);
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

static bool begin(struct place *place, const char *client, const char *more)
{
    char policy[4096];

    memset(place, 0, sizeof *place);
    memset(&person, 0, sizeof person);
    person.looks = look;
    if (!host_init(&place->host))
        return false;
    copy_key(&place->host, "ca.crt");
    copy_key(&place->host, "jwt-p256.key");
    sends_secret(place, "the secret: of web+100%");
    (void)snprintf(policy, sizeof policy,
                   PEOPLE_STORE POLICY(
                       "mine = { plugin = \"oauth2-code\"; issuer = \"%s\"; client_id = \"%s\"; "
                       "scope = \"openid offline_access orders:read\"; less_scope = \"refuse\"; "
                       "parameters = [ \"prompt=consent\" ]; resource = \"https://rs256.test/\"; "
                       "%s tls = { ca = \"ca.crt\"; }; };\n",
                       OUT("chain = ( { required = \"mine\" } );")),
                   idp.issuer, client, more);
    return host_write(&place->host, policy) && open_host(&place->host);
}

struct way {
    const char *client;
    const char *options;
    const char *scheme;
};

static const struct way ways[] = {
    { "app", "client_auth = \"none\";", "Bearer " },
    { "app", "client_auth = \"none\"; par = \"required\";", "Bearer " },
    { "app", "client_auth = \"none\"; dpop = \"required\";", "DPoP " },
    { "app", "client_auth = \"none\"; dpop = \"required\"; par = \"required\";", "DPoP " },
    { "web", "client_secret = \"file:secret\";", "Bearer " },
    { "web", "client_secret = \"file:secret\"; par = \"required\";", "Bearer " },
    { "signs", "client_key = { key = \"file:jwt-p256.key\"; id = \"p256\"; }; par = \"required\";",
      "Bearer " },
};

TEST(each_kind_of_client_logs_somebody_in_renews_and_logs_out)
{
    struct place place;
    struct sent sent, again;

    answer = NULL;
    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, AUTO));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        CHECK(begin(&place, ways[i].client, ways[i].options));
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

TEST(people_agree_or_say_no_on_the_pages_of_the_provider)
{
    struct place place;

    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, PAGES));
    CHECK(begin(&place, "app", "client_auth = \"none\";"));
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
    CHECK(begin(&place, "app", "client_auth = \"none\";"));
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
