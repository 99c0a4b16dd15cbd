/* Writes a .kq picture to standard output as PAM, which netpbm, ffmpeg and ImageMagick read; of a
 * sequence all frames, one behind the other; label maps in the colours of their entries.
 *
 *     cc -O3 -o kq2pam kq2pam.c && ./kq2pam chart.kq > chart.pam
 */
#include <stdio.h>
#include <stdlib.h>

#define KQ_IMPLEMENTATION
#include "kq.h"

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "kq2pam: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *path = argc == 2 ? argv[1] : "usage: kq2pam FILE.kq > FILE.pam";
    FILE *in = fopen(path, "rb");
    if (!in || fseek(in, 0, SEEK_END))
        return fail(path, "can't be opened");
    const size_t size = (size_t)ftell(in);
    void *data = malloc(size + 1);
    rewind(in);
    if (!data || fread(data, 1, size, in) != size)
        return fail(path, "can't be read");

    kq_file *file;
    kq_result result = kq_open(data, size, NULL, &file);
    if (result != KQ_OK)
        return fail(path, kq_result_text(result));
    const kq_info *info = kq_get_info(file);
    const int channels = info->alpha ? 4 : 3;
    const size_t row = (size_t)info->width * (size_t)channels;
    uint8_t *pixels = (uint8_t *)malloc(row * info->height);
    if (!pixels)
        return fail(path, kq_result_text(KQ_NO_MEMORY));
    for (uint32_t frame = 0; frame == 0 || frame < info->frames; frame++) {
        if ((result = kq_read_pixels(file, frame, NULL, channels, pixels, row)) != KQ_OK)
            return fail(path, kq_result_text(result));
        printf("P7\nWIDTH %u\nHEIGHT %u\nDEPTH %d\nMAXVAL 255\nTUPLTYPE RGB%s\nENDHDR\n",
               (unsigned)info->width, (unsigned)info->height, channels, channels == 4 ? "_ALPHA" : "");
        fwrite(pixels, row, info->height, stdout);
    }
    kq_close(file);
    free(pixels);
    free(data);
    return fclose(in) || fflush(stdout) ? fail(path, "can't be written") : EXIT_SUCCESS;
}
