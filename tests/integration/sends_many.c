/* SPDX-License-Identifier: MIT */
/* Instances that ask one server for tokens and share a store: whose token is whose. */
#include "sends.h"
#include "test.h"

struct kind {
    const char *name; /* of the instance, and of a service that sends by it */
    const char *options;
};

/* Two that say the same, and one for each thing that a token depends on. */
static const struct kind kinds[] = {
    { "plain", "client_id = \"me\";" },
    { "twin", "client_id = \"me\";" },
    { "client", "client_id = \"you\";" },
    { "scope", "client_id = \"me\"; scope = \"a\";" },
    { "audience", "client_id = \"me\"; audience = \"a\";" },
    { "resource", "client_id = \"me\"; resource = \"https://x/\";" },
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static bool write_kinds(struct place *place)
{
    char url[FAULT_URL_MAX], policy[8192] = "stores = { state = \"state.db\"; };\ninstances = {\n";
    size_t at = strlen(policy);

    (void)fault_server_url(place->server, "/token", url);
    for (size_t i = 0; i < KINDS; i++)
        at += (size_t)snprintf(policy + at, sizeof policy - at,
                               "%s = { plugin = \"oauth2-cc\"; token_endpoint = \"%s\"; "
                               "client_secret = \"file:secret\"; tls = { ca = \"%s\"; }; %s };\n",
                               kinds[i].name, url, fault_server_ca(), kinds[i].options);
    at += (size_t)snprintf(policy + at, sizeof policy - at, "};\nservices = {\n");
    for (size_t i = 0; i < KINDS; i++)
        at += (size_t)
            snprintf(policy + at, sizeof policy - at,
                     "%s = { direction = \"outgoing\"; origins = [ "
                     "\"https://out.example.com\" ]; chain = ( { required = \"%s\" } ); };\n",
                     kinds[i].name, kinds[i].name);
    (void)snprintf(policy + at, sizeof policy - at, "};\n");
    return host_write(&place->host, policy);
}

static struct sent sends_as(const struct host *host, const char *service)
{
    struct host view;

    host_share(host, &view);
    view.lane = host->lane;
    view.out = paa_service_find(host->context, service, PAA_OUTGOING, NULL);
    return sends(&view);
}

TEST(each_client_scope_audience_resource_and_instance_has_a_token_of_its_own)
{
    struct paa_context_options options;
    struct place place;
    char text[128];

    place.server = fault_server_start(FAULT_TLS_GOOD);
    REQUIRE(host_init(&place.host) && write_kinds(&place));
    sends_secret(&place, "hush");
    host_options(&place.host, &options);
    REQUIRE(host_open_with(&place.host, &options));
    for (size_t i = 0; i < KINDS; i++) {
        struct fault_answer given = { .type = JSON_TYPE, .body = text };

        (void)snprintf(text, sizeof text,
                       "{\"access_token\":\"t%zu\",\"token_type\":\"Bearer\",\"expires_in\":600}",
                       i);
        fault_server_answer(place.server, "/token", &given);
    }
    for (size_t i = 0; i < 2 * KINDS; i++) {
        (void)snprintf(text, sizeof text, "Bearer t%zu", i % KINDS);
        CHECK_STR(paa_str_of(sends_as(&place.host, kinds[i % KINDS].name).authorization), text);
    }
    CHECK_INT(fault_server_requests(place.server), KINDS);
    sends_end(&place);
}
