/* SPDX-License-Identifier: MIT */
/* Who is asked for the passphrase of a client's key: the person at the terminal, who types it unseen, in paactl and in the
 * example client. The terminal is as it was, however that ends. */
#include "server/fault_server.h"
#include "terminal.h"
#include "test.h"
#include "unit/key_made.h"

#include <sys/stat.h>

enum { PATH_SIZE = 512 };

#define PASSPHRASE "open sesame"

struct place {
    char folder[PATH_SIZE];
    char policy[PATH_SIZE + 16];
    char key[PATH_SIZE + 16];
    char url[FAULT_URL_MAX];
    struct fault_server *server;
};

/* alice's key, encrypted, and a policy that does not say how. */
static void lock_key(struct place *place)
{
    char path[PATH_SIZE];
    EVP_PKEY *key;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/alice.key", fault_server_folder());
    file = fopen(path, "re");
    key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (key == NULL)
        abort();
    (void)fclose(file);
    (void)snprintf(place->key, sizeof place->key, "%s/alice.key", place->folder);
    store_key(place->key, key, PASSPHRASE);
    EVP_PKEY_free(key);
}

static void begin(struct place *place)
{
    static const struct fault_answer answer = { .code = 204 };
    char origin[FAULT_URL_MAX], text[4096];

    memset(place, 0, sizeof *place);
    (void)mkdir(WORK_DIR, 0700);
    (void)snprintf(place->folder, sizeof place->folder, "%s/terminal-XXXXXX", WORK_DIR);
    if (mkdtemp(place->folder) == NULL)
        abort();
    place->server = fault_server_start(FAULT_TLS_CLIENT);
    fault_server_answer(place->server, "/x", &answer);
    fault_server_make_client("alice");
    (void)fault_server_url(place->server, "/x", place->url);
    (void)fault_server_url(place->server, "", origin);
    lock_key(place);
    (void)snprintf(place->policy, sizeof place->policy, "%s/paa.conf", place->folder);
    (void)snprintf(
        text, sizeof text,
        "instances = { me = { plugin = \"mtls\"; client_key = { key = \"file:alice.key\"; "
        "certificate = \"%s/alice.pem\"; }; }; };\n"
        "services = { out = { direction = \"outgoing\"; origins = [ \"%s\" ]; tls = { ca = \"%s\"; "
        "}; chain = ( { required = \"me\" } ); }; };\n",
        fault_server_folder(), origin, fault_server_ca());
    store_file(place->policy, text, strlen(text), 0600);
}

static void end(struct place *place)
{
    fault_server_stop(place->server);
    (void)unlink(place->policy);
    (void)unlink(place->key);
    (void)rmdir(place->folder);
}

static void begin_request(struct terminal *terminal, const struct place *place)
{
    const char *const argv[] = { PAACTL,        "request", "--plugin-dir", PLUGIN_DIR, "-c",
                                 place->policy, "out",     "GET",          place->url, NULL };

    terminal_begin(terminal, argv);
}

static void check_sent(const struct place *place)
{
    struct fault_request seen;

    REQUIRE(fault_server_last(place->server, &seen));
    CHECK_STR(paa_str_of(seen.client), "alice");
}

TEST(a_request_goes_out_once_its_person_has_typed_the_passphrase_unseen)
{
    struct terminal terminal;
    struct place place;

    begin(&place);
    begin_request(&terminal, &place);
    REQUIRE(terminal_await(&terminal, "Passphrase of "));
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    CHECK(!terminal_echoes(&terminal));
    terminal_type(&terminal, "no idea\n");
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    terminal_type(&terminal, PASSPHRASE "\n");
    CHECK_INT(terminal_status(&terminal), 0);
    CHECK(terminal_echoes(&terminal));
    terminal_end(&terminal);
    CHECK(strstr(terminal.text, "sesame") == NULL && strstr(terminal.text, "idea") == NULL);
    check_sent(&place);
    end(&place);
}

TEST(a_policy_is_checked_with_the_passphrase_that_is_typed)
{
    struct terminal terminal;
    struct place place;

    begin(&place);
    terminal_begin(&terminal, (const char *const[]){ PAACTL, "check", "--plugin-dir", PLUGIN_DIR,
                                                     place.policy, NULL });
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    terminal_type(&terminal, PASSPHRASE "\n");
    CHECK_INT(terminal_status(&terminal), 0);
    terminal_end(&terminal);
    CHECK_HAS(terminal.text, ": 0 errors, "); /* the certificate is one of days */
    end(&place);
}

TEST(who_types_nothing_or_far_too_much_is_asked_no_more)
{
    static const char *const typed[] = { "\004", NULL };
    char much[2048];

    (void)memset(much, 'x', sizeof much - 2);
    much[sizeof much - 2] = '\n';
    much[sizeof much - 1] = '\0';
    for (size_t i = 0; i < 2; i++) {
        struct terminal terminal;
        struct place place;

        begin(&place);
        begin_request(&terminal, &place);
        REQUIRE(terminal_await(&terminal, "/alice.key: "));
        terminal_type(&terminal, typed[i] != NULL ? typed[i] : much);
        CHECK_INT(WEXITSTATUS(terminal_status(&terminal)), 2);
        CHECK(terminal_echoes(&terminal));
        terminal_end(&terminal);
        CHECK_HAS(terminal.text, "is encrypted: say where its passphrase is");
        CHECK((strstr(terminal.text, "longer than") != NULL) == (typed[i] == NULL));
        CHECK(strstr(terminal.text, "xxx") == NULL);
        CHECK_INT(fault_server_requests(place.server), 0);
        end(&place);
    }
}

/* What is typed, or else sent; NULL: the latter. */
static void check_ended_by(const char *typed, int number)
{
    struct terminal terminal;
    struct place place;
    int status;

    begin(&place);
    begin_request(&terminal, &place);
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    CHECK(!terminal_echoes(&terminal));
    if (typed != NULL)
        terminal_type(&terminal, typed);
    else
        CHECK_INT(kill(terminal.job, number), 0);
    status = terminal_status(&terminal);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number);
    CHECK(terminal_echoes(&terminal));
    terminal_end(&terminal);
    end(&place);
}

TEST(a_signal_ends_the_asking_and_the_terminal_is_as_it_was)
{
    check_ended_by("half of it\003", SIGINT);
    check_ended_by("\034", SIGQUIT);
    check_ended_by(NULL, SIGTERM);
    check_ended_by(NULL, SIGHUP);
}

TEST(a_signal_that_nobody_types_ends_it_likewise)
{
    const int numbers[] = { SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF,  SIGIO,   SIGPWR,
                            SIGXCPU, SIGXFSZ, SIGABRT, SIGSTKFLT, SIGRTMIN, SIGRTMAX };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        check_ended_by(NULL, numbers[i]);
}

TEST(a_signal_that_ends_nobody_ends_no_asking)
{
    static const int numbers[] = { SIGCONT, SIGWINCH, SIGURG, SIGCHLD };
    struct terminal terminal;
    struct place place;

    begin(&place);
    begin_request(&terminal, &place);
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        CHECK_INT(kill(terminal.job, numbers[i]), 0);
    terminal_type(&terminal, PASSPHRASE "\n");
    CHECK_INT(terminal_status(&terminal), 0);
    terminal_end(&terminal);
    check_sent(&place);
    end(&place);
}

TEST(a_stopped_program_leaves_the_terminal_as_it_was_and_asks_again_when_it_goes_on)
{
    struct terminal terminal;
    struct place place;
    int status;

    begin(&place);
    begin_request(&terminal, &place);
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    terminal_type(&terminal, "open ses\032");
    status = terminal_status(&terminal);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    CHECK(terminal_echoes(&terminal));
    CHECK_INT(kill(terminal.job, SIGCONT), 0);
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    CHECK(!terminal_echoes(&terminal));
    terminal_type(&terminal, PASSPHRASE "\n");
    CHECK_INT(terminal_status(&terminal), 0);
    CHECK(terminal_echoes(&terminal));
    terminal_end(&terminal);
    check_sent(&place);
    end(&place);
}

/* In a session without a terminal, as cron's. Its exit status; what it said is in `err`. */
static int without_terminal(const struct place *place, const char *const *argv, char *err,
                            size_t size)
{
    int pipes[2], status = -1;
    size_t got = 0;
    ssize_t count;
    pid_t child;

    (void)place;
    if (pipe(pipes) != 0)
        abort();
    child = calm_fork();
    if (child == 0) {
        (void)setsid();
        (void)dup2(pipes[1], STDERR_FILENO);
        (void)close(pipes[0]);
        (void)close(pipes[1]);
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)close(pipes[1]);
    while (got + 1 < size && (count = read(pipes[0], err + got, size - 1 - got)) > 0)
        got += (size_t)count;
    err[got] = '\0';
    (void)close(pipes[0]);
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(where_there_is_no_terminal_that_is_said_and_nothing_is_sent)
{
    char err[4096];
    struct place place;

    begin(&place);
    CHECK_INT(without_terminal(&place,
                               (const char *const[]){ PAACTL, "request", "--plugin-dir", PLUGIN_DIR,
                                                      "-c", place.policy, "out", "GET", place.url,
                                                      NULL },
                               err, sizeof err),
              2);
    CHECK_HAS(err, "nobody can be asked \"Passphrase of ");
    CHECK_HAS(err, "/alice.key:\": there is no terminal");
    CHECK_HAS(err, "is encrypted: say where its passphrase is");
    CHECK_INT(without_terminal(&place,
                               (const char *const[]){ PAA_CLIENT, place.policy, "out", place.url,
                                                      PLUGIN_DIR, NULL },
                               err, sizeof err),
              1);
    CHECK_HAS(err, "is encrypted: say where its passphrase is");
    CHECK_INT(fault_server_requests(place.server), 0);
    end(&place);
}

TEST(the_example_client_asks_for_a_passphrase_too)
{
    struct terminal terminal;
    struct place place;

    begin(&place);
    terminal_begin(&terminal, (const char *const[]){ PAA_CLIENT, place.policy, "out", place.url,
                                                     PLUGIN_DIR, NULL });
    REQUIRE(terminal_await(&terminal, "/alice.key: "));
    CHECK(!terminal_echoes(&terminal));
    terminal_type(&terminal, PASSPHRASE "\n");
    CHECK_INT(terminal_status(&terminal), 0);
    CHECK(terminal_echoes(&terminal));
    terminal_end(&terminal);
    CHECK(strstr(terminal.text, "sesame") == NULL);
    check_sent(&place);
    end(&place);
}
