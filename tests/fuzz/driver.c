/* SPDX-License-Identifier: MIT */
/* Replays files, or all files of folders, through a fuzzer's entry. Fails if there was none to replay. */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1024 * 1024 };

/* Into memory of the input's exact size, so that a read beyond it is found. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *data = NULL;
    size_t size;
    int result = -1;

    if (file == NULL || fstat(fileno(file), &status) != 0 || status.st_size > INPUT_MAX)
        goto done;
    size = (size_t)status.st_size;
    data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, file) != size)
        goto done;
    result = LLVMFuzzerTestOneInput(data, size);
done:
    if (result != 0)
        fprintf(stderr, "cannot replay %s\n", path);
    free(data);
    if (file != NULL)
        fclose(file);
    return result;
}

static int replay_folder(DIR *folder, const char *path, int *count)
{
    struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        char name[PATH_MAX];

        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name ||
            replay_file(name) != 0)
            return -1;
        (*count)++;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        int result = folder != NULL ? replay_folder(folder, argv[i], &count) : replay_file(argv[i]);

        count += folder == NULL;
        if (folder != NULL)
            closedir(folder);
        if (result != 0)
            return 1;
    }
    printf("%d inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
