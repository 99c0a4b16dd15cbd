/* What the harnesses of the kernels share. Each defines `run`, which takes an input
 * apart, calls kernels on buffers of just the right size, and demands what must hold of
 * the results; the address and the undefined-behaviour sanitizer demand the rest.
 *
 * A harness includes this file ahead of the kernels, whose choice between AVX2 and plain
 * C it then makes itself: `simd` says which of the two runs next.
 *
 * Built with libFuzzer it is driven by that; with -DREPLAY the program runs the files
 * and folders that are its arguments, once each, with any compiler.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int simd = 1;
static int machine_has_avx2(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}
#define __builtin_cpu_supports(feature) (simd && machine_has_avx2())

/* Ends the program, with the place, unless it holds. */
#define DEMAND(holds) \
    do { \
        if (!(holds)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
            abort(); \
        } \
    } while (0)

/* --- memory ---------------------------------------------------------------- */

/* The context model asks for megabytes for each tile, which a sanitizer's malloc gets
 * from the system and gives back each time. So large blocks are kept here, with their
 * ends poisoned by hand. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FUZZ_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FUZZ_ASAN 1
#endif
#if defined(FUZZ_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

#define LARGE 32768
#define RED_ZONE 64
#define KEPT 64
static struct {
    uint8_t *block;
    size_t size;
    int used;
} kept[KEPT];
static int blocks_in_use;

static void *fuzz_malloc(size_t bytes)
{
    int place = -1;
    blocks_in_use++;
    if (bytes < LARGE || bytes > SIZE_MAX / 4)
        return malloc(bytes);
    for (int i = 0; i < KEPT; i++)
        if (!kept[i].used && kept[i].size >= bytes && (place < 0 || kept[i].size < kept[place].size))
            place = i;
    if (place < 0 || kept[place].size > 4 * bytes) {
        for (place = 0; place < KEPT && kept[place].block;)
            place++;
        if (place == KEPT)
            return malloc(bytes);
        kept[place].size = LARGE;
        while (kept[place].size < bytes)
            kept[place].size *= 2;
        kept[place].block = malloc(kept[place].size + 2 * RED_ZONE);
    }
    kept[place].used = 1;
    uint8_t *block = kept[place].block;
    ASAN_POISON_MEMORY_REGION(block, kept[place].size + 2 * RED_ZONE);
    ASAN_UNPOISON_MEMORY_REGION(block + RED_ZONE, bytes);
    return block + RED_ZONE;
}

static void *fuzz_calloc(size_t count, size_t size)
{
    void *block = size && count > SIZE_MAX / size ? NULL : fuzz_malloc(count * size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

static void fuzz_free(void *memory)
{
    blocks_in_use -= memory != NULL;
    for (int i = 0; i < KEPT && kept[i].block; i++)
        if (memory == kept[i].block + RED_ZONE) {
            ASAN_POISON_MEMORY_REGION(kept[i].block, kept[i].size + 2 * RED_ZONE);
            kept[i].used = 0;
            return;
        }
    free(memory);
}

#define malloc fuzz_malloc
#define calloc fuzz_calloc
#define free fuzz_free

/* --- inputs ---------------------------------------------------------------- */

typedef struct {
    const uint8_t *at;
    size_t left;
} fuzz_input;

/* The next bytes as a number, the first one the most significant; zeros beyond the end. */
static uint32_t next(fuzz_input *input, int bytes)
{
    uint32_t value = 0;
    for (; bytes > 0; bytes--) {
        value <<= 8;
        if (input->left > 0) {
            value |= *input->at++;
            input->left--;
        }
    }
    return value;
}

/* A side of a picture, mostly small: 1 to 64. */
static size_t next_side(fuzz_input *input)
{
    uint32_t byte = next(input, 1);
    return 1 + (byte < 192 ? byte % 8 : byte % 64);
}

/* A number of colours, at least 2, of every kind. */
static uint32_t next_k(fuzz_input *input)
{
    static const uint32_t others[16] = {255,  256,  257,   300,   1000,  4095,  4096,  4097,
                                        5000, 8193, 16385, 32767, 32768, 32769, 65535, 65536};
    uint32_t byte = next(input, 1);
    return byte < 240 ? 2 + byte : others[byte - 240];
}

/* What a generator of which nobody asks more makes of a number. */
static uint32_t mixed(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void *room(size_t bytes)
{
    void *found = malloc(bytes ? bytes : 1);
    DEMAND(found);
    return found;
}

/* A copy of what is left, or of so much of it, that ends where its memory ends. */
static uint8_t *copied(const fuzz_input *input, size_t most, size_t *size)
{
    *size = input->left < most ? input->left : most;
    uint8_t *copy = malloc(*size);
    if (*size)
        memcpy(copy, input->at, *size);
    return copy;
}

/* k x 3 values: by their kind noise, a grey ramp, few colours, all the same. */
static uint8_t *made_colors(uint32_t k, uint32_t seed)
{
    uint8_t *colors = room(3 * (size_t)k);
    uint32_t state = seed, kind = seed & 3;
    for (size_t i = 0; i < 3 * (size_t)k; i++) {
        uint32_t value = mixed(&state);
        colors[i] = (uint8_t)(kind == 0 ? value : kind == 1 ? i / 3 * 255 / k
                                              : kind == 2 ? (value & 3) * 85 : seed);
    }
    return colors;
}

/* --- running them ---------------------------------------------------------- */

static void run(fuzz_input input);

#define TOO_SLOW 10 /* seconds of the processor, which libFuzzer doesn't measure */
#define SLOWEST_KEPT 65536
static struct {
    double seconds;
    size_t size;
    uint8_t data[SLOWEST_KEPT];
} slowest;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double seconds_of(const uint8_t *data, size_t size)
{
    double start = seconds_now();
    run((fuzz_input){data, size});
    DEMAND(blocks_in_use == 0);
    return seconds_now() - start;
}

/* Says how long the slowest input took, and keeps it where FUZZ_SLOWEST says. */
static void report_slowest(void)
{
    const char *path = getenv("FUZZ_SLOWEST");
    fprintf(stderr, "slowest: %.6f s, %zu bytes\n", slowest.seconds, slowest.size);
    FILE *file = path && slowest.size <= SLOWEST_KEPT ? fopen(path, "wb") : NULL;
    if (file) {
        fwrite(slowest.data, 1, slowest.size, file);
        fclose(file);
    }
}

#if defined(SLOW)
/* Built with -DSLOW the search is for slow inputs: libFuzzer keeps those that are slower
 * than any of about their size so far, by sixths of an octave, beside those that reach
 * new code. */
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t slowness[16 * 128];

static void note_slowness(size_t size, double seconds)
{
    int class = 0, octave = 0;
    while (size >> class > 1 && class < 15)
        class++;
    for (double step = 1e-6; step < seconds && octave < 127; step *= 1.122)
        octave++;
    for (int i = 0; i <= octave; i++)
        slowness[class * 128 + i] = 1;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    if (!started)
        atexit(report_slowest);
    double seconds = seconds_of(data, size);
    if (started && seconds > slowest.seconds) {
        double again = seconds_of(data, size); /* the machine may have been busy */
        seconds = again < seconds ? again : seconds;
    }
    if (started && seconds > slowest.seconds) {
        slowest.seconds = seconds;
        slowest.size = size;
        if (size && size <= SLOWEST_KEPT)
            memcpy(slowest.data, data, size);
    }
    DEMAND(seconds < TOO_SLOW);
#if defined(SLOW)
    note_slowness(size, seconds);
#endif
    started = 1; /* the first one pays for what is made once */
    return 0;
}

#if defined(REPLAY)
#include <dirent.h>

static size_t replay(const char *path)
{
    size_t done = 0;
    DIR *folder = opendir(path);
    if (folder) {
        for (struct dirent *entry; (entry = readdir(folder));) {
            char inside[4096];
            if (entry->d_name[0] == '.')
                continue;
            snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
            done += replay(inside);
        }
        closedir(folder);
        return done;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    static uint8_t data[1 << 20];
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    return 1;
}

int main(int count, char **paths)
{
    size_t done = 0;
    for (int i = 1; i < count; i++)
        done += replay(paths[i]);
    printf("%zu inputs\n", done);
    return 0;
}
#endif

#endif
