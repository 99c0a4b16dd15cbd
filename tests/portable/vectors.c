/* Decodes each file whose path stands on a line of standard input. Prints the kind of refusal; or
 * `ok`, how many bytes, and these: pixels as they are, or ids. Whether what kq.h decodes step by
 * step, in pieces and out of order is the same, too, it finds out by itself. */
#define KQ_IMPLEMENTATION
#include "kq.h"

#include "files.h"

/* A box inside of each frame, from the last frame on backwards. */
static void check_boxes(kq_file *file, const uint8_t *all)
{
    const kq_info *info = kq_get_info(file);
    const size_t item = item_bytes(info), stride = info->width * item;
    kq_box box = {info->width / 3, info->height / 2, 0, 0};
    box.width = (info->width - box.x + 1) / 2;
    box.height = info->height - box.y;
    const size_t row = box.width * item;
    uint8_t *part = (uint8_t *)malloc(row * box.height);
    for (uint32_t i = frames_of(info); i-- > 0;) {
        must(read_box(file, i, &box, part, row) == KQ_OK, "a box can be read");
        for (uint32_t y = 0; y < box.height; y++)
            must(memcmp(part + y * row, all + (i * info->height + box.y + y) * stride +
                        box.x * item, row) == 0, "a box is as the whole");
    }
    free(part);
    box.width = info->width + 1 - box.x;
    must(read_box(file, 0, &box, NULL, row) == KQ_ARGUMENT, "a box is inside");
    must(read_box(file, frames_of(info), NULL, NULL, row) == KQ_ARGUMENT, "there is the frame");
}

/* Each frame tile by tile, step by step. */
static void check_steps(kq_file *file, const uint8_t *all)
{
    const kq_info *info = kq_get_info(file);
    const int channels = info->alpha ? 4 : 3;
    const size_t stride = info->width * (size_t)channels, bytes = stride * info->height;
    uint8_t *painted = (uint8_t *)malloc(bytes), *read = (uint8_t *)malloc(bytes);
    for (uint32_t i = 0; i < frames_of(info); i++) {
        uint64_t labels = 0;
        for (uint32_t tile = 0; tile < info->tiles; tile++) {
            int more = 1;
            kq_box box;
            must(kq_begin(file, i, tile) == KQ_OK, "a tile begins");
            while (more)
                must(kq_step(file, &more) == KQ_OK, "a step is made");
            must(kq_tile_labels(file, &box) != NULL, "there are labels");
            labels += (uint64_t)box.width * box.height;
            must(kq_paint_tile(file, channels, painted, stride) == KQ_OK, "a tile is painted");
        }
        must(labels == (uint64_t)info->width * info->height, "tiles fill the picture");
        must(kq_read_pixels(file, i, NULL, channels, read, stride) == KQ_OK, "it has colours");
        must(memcmp(painted, read, bytes) == 0, "steps lead to the same pixels");
        if (!info->label_map)
            must(memcmp(painted, all + i * bytes, bytes) == 0, "again the same pixels");
    }
    free(painted);
    free(read);
}

/* Labels are entries of what kq_palette and kq_id_table have. */
static void check_labels(kq_file *file, const uint8_t *all)
{
    const kq_info *info = kq_get_info(file);
    const size_t item = item_bytes(info), wide = (size_t)kq_label_bytes(file);
    const size_t count = (size_t)info->width * info->height;
    uint8_t *labels = (uint8_t *)malloc(count * wide);
    must(kq_read_labels(file, 0, NULL, labels, info->width * wide) == KQ_OK, "labels can be read");
    for (size_t i = 0; i < count; i++) {
        const size_t label = wide == 1   ? labels[i]
                             : wide == 2 ? ((uint16_t *)labels)[i]
                                         : ((uint32_t *)labels)[i];
        must(label < info->entries, "a label is an entry");
        if (!info->label_map) {
            must(memcmp(kq_palette(file) + 4 * label, all + i * item, item) == 0, "in its colour");
            continue;
        }
        uint64_t id = 0, mask = item < 8 ? ((uint64_t)1 << 8 * item) - 1 : UINT64_MAX;
        for (size_t b = 0; b < item; b++)
            id |= (uint64_t)all[i * item + b] << 8 * b; /* tests run on little-endian machines */
        must((kq_id_table(file)[label] & mask) == id, "with its id");
    }
    free(labels);
}

int main(void)
{
    size_t size, bytes;
    uint8_t *data, *all;
    uint32_t sides[2];
    for (; (data = next_file(&size)); free(data)) {
        const kq_result result = decode(data, size, NULL, &all, &bytes);
        kq_info info;
        if (result != KQ_OK) {
            printf("%s\n", kinds[result]);
            uint8_t *first = kq_load(data, size, 4, sides, sides + 1, NULL);
            kq_file *file = NULL;
            must(!first || kq_open(data, size, NULL, &file) == KQ_OK, "it can be opened");
            must(!first || kq_get_info(file)->frames > 1, "of a still nothing can be loaded");
            kq_close(file);
            kq_free(first);
            continue;
        }
        kq_file *file;
        must(kq_open(data, size, NULL, &file) == KQ_OK, "it opens twice");
        must(kq_read_header(data, size, &info) == KQ_OK, "the header can be read");
        must(info.width == kq_get_info(file)->width && info.tiles == kq_get_info(file)->tiles,
             "the header says what the file says");
        check_boxes(file, all);
        check_steps(file, all);
        check_labels(file, all);
        kq_close(file);
        printf("%s %llu\n", kinds[result], (unsigned long long)bytes);
        fwrite(all, 1, bytes, stdout);
        kq_free(all);
    }
    return 0;
}
