/* assert.h - what a module promises or demands
 *
 * ct_assert() is in every build: a broken promise here is a packet that reaches
 * another host.  It stands where flows come and go, and costs a compare.
 * ct_assert_slow() stands where each packet comes by, or where to look costs
 * more than that.  It is switched by WEIR_ASSERT, not by NDEBUG: a package that
 * forgets one must not ship the other.  Tests are built with it.
 * ct_before() keeps a fact for an assertion behind what may change it. */
#ifndef CT_ASSERT_H
#define CT_ASSERT_H

#define ct_assert(x) (__builtin_expect(!(x), 0) ? __builtin_trap() : (void)0)

#ifdef WEIR_ASSERT
#define ct_assert_slow(x)  ct_assert(x)
#define ct_before(name, x) const bool name = (x)
#else
#define ct_assert_slow(x)  ((void)sizeof(x))
#define ct_before(name, x) const bool name = sizeof(!(x)) == 0
#endif

#endif
