/* SPDX-License-Identifier: MIT */
/* diag.h's collecting: counts, remembers the first error, passes every finding on. */
#include "diag.h"

#include <stdarg.h>
#include <stdio.h>

enum { SENTENCE_SIZE = 1024 };

/* A text that was cut ends with a whole character of UTF-8. */
static void drop_half_character(char *text)
{
    size_t size = strlen(text);
    size_t lead = size;
    size_t length;

    while (lead > 0 && size - lead < 3 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead == 0 || ((unsigned char)text[lead - 1] & 0xc0) != 0xc0)
        return;
    length = (unsigned char)text[lead - 1] >= 0xf0   ? 4
             : (unsigned char)text[lead - 1] >= 0xe0 ? 3
                                                     : 2;
    if (size - (lead - 1) < length)
        text[lead - 1] = '\0';
}

static void keep_first(struct paa_error *error, struct where where, const char *sentence)
{
    int size;

    if (where.file == NULL)
        size = snprintf(error->text, sizeof error->text, "%s", sentence);
    else if (where.line == 0)
        size = snprintf(error->text, sizeof error->text, "%s: %s", where.file, sentence);
    else
        size = snprintf(error->text, sizeof error->text, "%s:%u: %s", where.file,
                        (unsigned)where.line, sentence);
    if (size >= (int)sizeof error->text)
        drop_half_character(error->text);
}

void diag_add(struct diag *diag, enum paa_level level, struct where where, const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list list;
    int size;

    va_start(list, format);
    size = vsnprintf(sentence, sizeof sentence, format, list);
    va_end(list);
    if (size < 0)
        sentence[0] = '\0';
    else if (size >= SENTENCE_SIZE)
        drop_half_character(sentence);
    if (level == PAA_LEVEL_ERROR && diag->errors++ == 0)
        keep_first(&diag->first, where, sentence);
    else if (level == PAA_LEVEL_WARNING)
        diag->warnings++;
    if (diag->fn != NULL)
        diag->fn(level, where, sentence, diag->user);
}
