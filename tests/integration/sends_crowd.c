/* SPDX-License-Identifier: MIT */
/* Many ask at once and there is no token: one is fetched, whoever waits or goes away. */
#include "sends_crowd.h"
#include "test.h"

static int served(struct place *place, bool half_give_up)
{
    fault_server_answer(place->server, "/token", &held);
    crowd_begin(&place->host, half_give_up);
    fault_server_await(place->server, 1);
    fault_server_release(place->server);
    return crowd_end();
}

TEST(sixty_four_threads_without_a_token_cost_one_fetch)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    CHECK_INT(served(&place, false), CROWD);
    printf("%u fetch for %d threads\n", fault_server_requests(place.server), CROWD);
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_end(&place);
}

TEST(half_of_those_who_wait_go_away_and_it_is_still_one_fetch)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    CHECK_INT(served(&place, true), CROWD);
    printf("%u fetch for %d threads of which half went away\n", fault_server_requests(place.server),
           CROWD);
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_end(&place);
}
