/* SPDX-License-Identifier: MIT */
/*
 * Plugins from shared libraries: dlopen, the symbol, ABI negotiation, and the process-wide register of what is
 * loaded. The only file that includes dlfcn.h is loader.c; abi.c and elf_file.c are pure. The caller has opened and judged the
 * file: what was judged is what is loaded, or it is refused.
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include <paa/plugin.h>
#include <sys/stat.h>

enum { LOADER_FILE_MAX = 64 * 1024 * 1024 };

struct plugin {                     /* never freed: plugins are never unloaded */
    const struct paa_plugin *table; /* the plugin's own */
    const char *path;               /* real path */
    dev_t device;
    ino_t inode;
    char sha256[65];
    struct paa_plugin slots; /* a copy in today's layout: what an older minor lacks is NULL, 0 */
};

/* fd: opened and judged; closed by the caller. real_path: where it is. name: what the policy calls the plugin,
 * or NULL for an absolute path (then the file's name without ".so"). sha256: the pinned digest or NULL. The same
 * file again gives the same plugin. A file that was replaced under running code (same path, other inode or
 * digest) is refused: "restart needed". What can be read off the file is refused before
 * any of it runs. A file that was refused after dlopen stays in the process: what replaces it needs a restart
 * too. NULL: *error has one sentence. Locks; not for request threads. */
const struct plugin *loader_load(int fd, const struct stat *st, const char *real_path,
                                 const char *name, const char *sha256, struct paa_error *error);

/* "paa" beside the library that this code is in: where plugins are found unless the host says otherwise, in a build
 * folder and after installation under any prefix. malloc'ed; NULL: not known. */
char *loader_plugin_dir(void);

/* Does the running code of some loaded plugin differ from the file at its path now? The sentence in *error, 1; or 0. */
int loader_changed(const struct plugin *plugin, struct paa_error *error);

/* Pure. Checks the table a plugin gave: major, needs_abi, size, name, mandatory slots, rows. ret_slots gets the
 * copy. 0, or -1 with the sentence. core_abi: PAA_ABI, other numbers in tests. */
int abi_check(const struct paa_plugin *table, const char *name, const char *path, uint32_t core_abi,
              struct paa_plugin *ret_slots, struct paa_error *error);

#endif
