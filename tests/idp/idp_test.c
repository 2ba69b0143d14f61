/* SPDX-License-Identifier: MIT */
/* Tests in C get their provider (idp.h). That it does what they ask of it is smoke.sh's business. */
#include "test.h"

#include "idp.h"

#include <errno.h>

TEST(a_test_in_c_has_a_provider_of_its_own)
{
    struct idp one, two;

    REQUIRE(idp_make_folder(&one) && idp_make_folder(&two));
    CHECK(idp_start(&one, "{}"));
    CHECK(idp_start(&two, "{\"host\":\"localhost\",\"mtls\":\"main\"}"));
    CHECK(strncmp(one.issuer, "https://127.0.0.1:", 18) == 0);
    CHECK(strncmp(two.issuer, "https://localhost:", 18) == 0);
    CHECK(strcmp(one.issuer, one.mtls) != 0);
    CHECK(strcmp(two.issuer, two.mtls) == 0);
    CHECK(idp_order(&one, "rotate"));
    CHECK(!idp_order(&one, "nonsense"));
    idp_stop(&one);
    idp_stop(&two);
    CHECK(access(one.folder, F_OK) != 0 && errno == ENOENT);
}

TEST(a_provider_that_cannot_start_is_told)
{
    struct idp idp;

    REQUIRE(idp_make_folder(&idp));
    CHECK(!idp_start(&idp, "{\"clients\":"));
    idp_stop(&idp);
}
