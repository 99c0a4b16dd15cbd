/* Writes to arrays while kernels read them: see tests/fuzz/races.py. Not compiled with
 * sanitizers: it isn't what is tested. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* An array, and what to put there: two contents that are right, and one that is wrong. */
typedef struct {
    uint8_t *at;
    const uint8_t *one, *other, *wrong;
    size_t items, size;
} target;

static void put(const target *to, const uint8_t *from, size_t item)
{
    volatile uint8_t *at = to->at + item * to->size;
    if (to->size == 2 || to->size == 4 || to->size == 8) { /* whole, as other programs write */
        uint64_t value = 0;
        memcpy(&value, from + item * to->size, to->size);
        if (to->size == 2)
            *(volatile uint16_t *)at = (uint16_t)value;
        else if (to->size == 4)
            *(volatile uint32_t *)at = (uint32_t)value;
        else
            *(volatile uint64_t *)at = value;
        return;
    }
    for (size_t i = 0; i < to->size; i++)
        at[i] = from[item * to->size + i];
}

static void wait_a_little(uint32_t turns)
{
    for (volatile uint32_t i = 0; i < turns;)
        i++;
}

/* Until `stop`: returns how many writes there were. What is wrong is made right again soon,
 * so that looks at all of an array often find nothing, and what comes after them does. */
uint64_t change(const target *targets, size_t count, uint32_t seed, volatile int *stop);
uint64_t change(const target *targets, size_t count, uint32_t seed, volatile int *stop)
{
    uint32_t state = seed | 1;
    uint64_t written = 0;
    while (!*stop) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        const target *to = targets + state % count;
        size_t item = (state >> 4) % to->items;
        const uint8_t *right = state >> 31 ? to->one : to->other;
        if ((state >> 28 & 7) == 0) { /* all of it */
            for (size_t i = 0; i < to->items; i++)
                put(to, right, i);
            written += to->items;
        } else if (state >> 27 & 1) {
            put(to, to->wrong, item);
            wait_a_little(state >> 6 & 8191);
            put(to, right, item);
            written += 2;
        } else {
            put(to, right, item);
            written++;
        }
        wait_a_little(state >> 8 & ((state & 3) == 0 ? 8191 : 255));
    }
    return written;
}
