/* stub until moves.h of fast */
#ifndef KQ_FRAMES_MOVES_H
#define KQ_FRAMES_MOVES_H
static int kq_same_block(const uint16_t *a, size_t sa, const uint16_t *b, size_t sb, size_t w,
                         size_t h)
{
    for (size_t y = 0; y < h; y++)
        if (memcmp(a + y * sa, b + y * sb, w * 2))
            return 0;
    return 1;
}
static int kq_find_moves(const uint16_t *now, size_t ns, const uint16_t *before, size_t bs,
                         size_t width, size_t height, int32_t *moves)
{
    int n = 0;
    int best = 0;
    long most = 3;
    for (int dy = -200; dy <= 200; dy++) {
        long v = 0;
        if (!dy)
            continue;
        for (size_t y = 0; y + 16 <= height; y += 16) {
            if ((long)y + dy < 0 || y + dy + 16 > height)
                continue;
            for (size_t x = 0; x + 16 <= width; x += 16) {
                if (now[y * ns + x] != before[(y + dy) * bs + x])
                    continue;
                if (kq_same_block(now + y * ns + x, ns, before + y * bs + x, bs, 16, 16))
                    continue;
                int flat = 1;
                for (int i = 0; i < 16 && flat; i++)
                    for (int j = 0; j < 16; j++)
                        if (now[(y + i) * ns + x + j] != now[y * ns + x]) {
                            flat = 0;
                            break;
                        }
                if (flat)
                    continue;
                v += kq_same_block(now + y * ns + x, ns, before + (y + dy) * bs + x, bs, 16, 16);
            }
        }
        if (v > most) {
            most = v;
            best = dy;
        }
    }
    if (best) {
        moves[0] = 0;
        moves[1] = best;
        n = 1;
    }
    return n;
}
#endif
