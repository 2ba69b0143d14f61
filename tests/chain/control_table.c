/* SPDX-License-Identifier: MIT */
/* Prints the control words as README.md shows them, so that the page cannot say anything else than the code. */
#include "control.h"

#include <stdio.h>

static const char *name_of(uint16_t action)
{
    for (size_t i = 0; i < sizeof action_words / sizeof action_words[0]; i++)
        if (action_words[i].action == action)
            return action_words[i].word;
    return NULL;
}

static int print_word(const struct control_word *word)
{
    printf("| `%s` |", word->word);
    for (int i = 0; i < RESULT_COUNT; i++) {
        const char *name = name_of(word->action[i]);

        if (name == NULL) {
            fprintf(stderr, "%s has no action for %s\n", word->word, result_words[i]);
            return 1;
        }
        printf(" %s |", name);
    }
    printf(" `%s` | %s |\n", word->pam, word->meaning);
    return 0;
}

int main(void)
{
    int failures = 0;

    printf("| control word |");
    for (int i = 0; i < RESULT_COUNT; i++)
        printf(" %s |", result_words[i]);
    printf(" in PAM's brackets | meaning |\n|---|");
    for (int i = 0; i < RESULT_COUNT; i++)
        printf("---|");
    printf("---|---|\n");
    for (size_t i = 0; i < sizeof control_words / sizeof control_words[0]; i++)
        failures += print_word(&control_words[i]);
    return failures > 0;
}
