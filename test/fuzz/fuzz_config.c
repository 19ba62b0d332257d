/* fuzz_config.c - libFuzzer: any file is refused with words, or loads whole */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[] = "/tmp/weir-fuzz-XXXXXX";
    static int fd = -1;
    static FILE *sink;
    struct config *config = NULL;
    char said[2] = "";
    int code;

    if (fd < 0) {
        fd = mkstemp(path);
        sink = fopen("/dev/null", "w");
        if (fd < 0 || !sink)
            abort();
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    /* the first byte it says is enough to know that it said something */
    FILE *err = fmemopen(said, sizeof said, "w");

    if (!err)
        abort();
    setbuf(err, NULL);
    code = config_load(path, &config, err);
    fclose(err);
    if (code == 0 && !config)
        abort();
    if (code != 0 && !said[0])
        abort();
    if (code == 0) {
        config_print(config, sink);
        config_free(config);
    }
    return 0;
}
