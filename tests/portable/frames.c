/* Reads the frames of each file whose path stands on a line of standard input: first in their order,
 * several times, then in any order, by tiles that are given up halfway. What they are it compares by
 * itself. Prints the kind of refusal. Arguments are limits: of frames, work and chains. */
#define KQ_IMPLEMENTATION
#include "kq.h"

#include "files.h"

#define ROUNDS 3
#define TRIES 30

static uint32_t random_below(uint32_t most)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % most;
}

/* Decodes a tile of a frame, or some of it. */
static kq_result try_tile(kq_file *file, uint32_t frame, const uint8_t *all, uint32_t steps)
{
    const kq_info *info = kq_get_info(file);
    const size_t bytes = (size_t)kq_label_bytes(file), stride = info->width * bytes;
    int more = 1;
    kq_result result = kq_begin(file, frame, random_below(info->tiles));
    while (result == KQ_OK && more && steps-- > 0)
        result = kq_step(file, &more);
    if (result != KQ_OK || more)
        return result;
    kq_box box;
    const uint8_t *labels = (const uint8_t *)kq_tile_labels(file, &box);
    all += frame * info->height * stride + box.y * stride + box.x * bytes;
    for (uint32_t y = 0; y < box.height; y++)
        if (memcmp(labels + y * box.width * bytes, all + y * stride, box.width * bytes) != 0) {
            fprintf(stderr, "not so: a tile of frame %u is the same in any order\n", (unsigned)frame);
            exit(3);
        }
    return KQ_OK;
}

static kq_result read_frames(kq_file *file)
{
    const kq_info *info = kq_get_info(file);
    const size_t stride = info->width * (size_t)kq_label_bytes(file), bytes = stride * info->height;
    uint8_t *all = (uint8_t *)malloc(bytes * info->frames);
    kq_result result = KQ_OK;
    for (uint32_t i = 0; i < ROUNDS * info->frames && result == KQ_OK; i++) {
        const uint32_t frame = i % info->frames;
        result = kq_read_labels(file, frame, NULL, all + frame * bytes, stride);
    }
    for (int i = 0; i < TRIES && result == KQ_OK; i++)
        result = try_tile(file, random_below(info->frames), all,
                          random_below(2) ? UINT32_MAX : random_below(30));
    free(all);
    return result;
}

int main(int count, char **arguments)
{
    kq_limits limits = {0, 0, 0, 0, 0, 0};
    size_t size;
    uint8_t *data;
    limits.metadata = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 0;
    limits.work = count > 2 ? strtoull(arguments[2], NULL, 10) : 0;
    limits.chains = count > 3 ? strtoull(arguments[3], NULL, 10) : 0;
    for (; (data = next_file(&size)); free(data)) {
        kq_file *file;
        kq_result result = kq_open(data, size, &limits, &file);
        if (result == KQ_OK) {
            result = read_frames(file);
            kq_close(file);
        }
        printf("%s\n", kinds[result]);
    }
    return 0;
}
