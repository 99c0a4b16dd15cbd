/* What compilers spell differently, or lack: everything in the kernels that isn't C99, and where
 * they get memory from.
 *
 * A compiler that isn't known here gets the plain C of every kernel, with the same results.
 */
#ifndef KQ_COMPILER_H
#define KQ_COMPILER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Memory, from somewhere else where KQ_MALLOC(bytes) and KQ_FREE(pointer) are defined, and
 * perhaps KQ_CALLOC(count, size). It is aligned as malloc's. */
#if !defined(KQ_MALLOC)
#include <stdlib.h>
#define KQ_MALLOC(bytes) malloc(bytes)
#define KQ_CALLOC(count, size) calloc(count, size)
#define KQ_FREE(pointer) free(pointer)
#elif !defined(KQ_CALLOC)
#define KQ_CALLOC(count, size) kq_calloc(count, size)
static inline void *kq_calloc(size_t count, size_t size)
{
    void *zeros = size && count > SIZE_MAX / size ? NULL : KQ_MALLOC(count * size);
    return zeros ? memset(zeros, 0, count * size) : NULL;
}
#endif

/* Instructions: KQ_SSE2 where the compiler may use them anyway, KQ_AVX2 where it can compile
 * single functions for them, to be called where KQ_CPU_HAS("avx2"). With KQ_NO_SIMD there is
 * neither. gcc's _mm256_blendv_epi8 does something else with an unsigned char, and on Windows
 * gcc's stack isn't aligned as vectors need it. */
#if !defined(KQ_NO_SIMD) && (defined(__SSE2__) || defined(_M_X64))
#include <immintrin.h>
#define KQ_SSE2 1
#if defined(__GNUC__) && (defined(__clang__) || (!defined(__CHAR_UNSIGNED__) && !defined(_WIN32)))
#define KQ_AVX2 1
#define KQ_CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#define KQ_PREFETCH(address) _mm_prefetch((const char *)(address), _MM_HINT_T0)
#endif
#endif

/* KQ_SIMD128: WebAssembly's vectors, where the module is compiled for them. */
#if defined(__wasm_simd128__) && !defined(KQ_NO_SIMD)
#include <wasm_simd128.h>
#define KQ_SIMD128 1
#endif

/* KQ_TARGET("avx2") before a function: compiled for such processors. KQ_ALIGNED(32) before a
 * declaration: at such an address. KQ_INLINE: a function that is part of its callers, so that
 * what is constant in a call is constant in it. */
#if defined(__GNUC__)
#define KQ_TARGET(features) __attribute__((target(features)))
#define KQ_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define KQ_INLINE static inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define KQ_TARGET(features)
#define KQ_ALIGNED(bytes) __declspec(align(bytes))
#define KQ_INLINE static __forceinline
#else
#define KQ_TARGET(features)
#define KQ_ALIGNED(bytes)
#define KQ_INLINE static inline
#endif

/* The first address for vectors in memory that is KQ_ALIGNING bytes larger than what is to lie
 * there. */
#define KQ_ALIGNING 63
#define KQ_ALIGNED_AT(memory) \
    ((void *)(((uintptr_t)(memory) + KQ_ALIGNING) & ~(uintptr_t)KQ_ALIGNING))

/* KQ_HIDE: the compiler knows nothing of a variable's value from here on. So it doesn't read
 * again what it has read, and doesn't turn a branch into arithmetic. KQ_IN_MEMORY: the
 * same of an array, which is in memory then and not in a register. */
#if defined(__GNUC__)
#define KQ_HIDE(value) __asm__("" : "+r"(value))
#define KQ_IN_MEMORY(array) __asm__("" : "+m"(array))
#define KQ_BOTH_IN_MEMORY(one, other) __asm__("" : "+m"(one), "+m"(other))
#else
#define KQ_HIDE(value) (void)(value)
#define KQ_IN_MEMORY(array) (void)(array)
#define KQ_BOTH_IN_MEMORY(one, other) (void)(one), (void)(other)
#endif

/* Zeros above the highest 1 of 32 bits and below the lowest of 32 and 64; there must be a 1.
 * Not defined where the compiler has nothing for it. */
#if defined(__GNUC__)
#define KQ_LEADING_ZEROS(x) ((uint32_t)__builtin_clz(x))
#define KQ_TRAILING_ZEROS(x) ((uint32_t)__builtin_ctz(x))
#define KQ_TRAILING_ZEROS64(x) ((uint32_t)__builtin_ctzll(x))
#elif defined(_MSC_VER)
#include <intrin.h>
#define KQ_LEADING_ZEROS(x) kq_leading_zeros(x)
static __forceinline uint32_t kq_leading_zeros(uint32_t x)
{
    unsigned long highest;
    _BitScanReverse(&highest, x);
    return 31 - highest;
}
#endif

#endif
