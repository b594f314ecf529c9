/* loads_plugin PLUGIN [deep]: an ordinary program that loads a library at run time and waits in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

static int call(void* plugin, const char* name, int fd) {
    int (*function)(int) = NULL;
    *(void**)&function = dlsym(plugin, name);
    return function != NULL ? function(fd) : -2;
}

int main(int count, char** arguments) {
    const int no_fd = -1;
    void* const plugin = dlopen(arguments[1], RTLD_LAZY | (count > 2 ? RTLD_DEEPBIND : 0));
    if (plugin == NULL) return 1;
    printf("poll %d, ", call(plugin, "plugin_poll", no_fd));
    printf("sleep %d\n", call(plugin, "plugin_sleep", no_fd));
    return dlclose(plugin);
}
