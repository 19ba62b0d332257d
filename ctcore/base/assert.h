/* assert.h - what a module promises or demands, checked where it costs
 * nothing
 *
 * By a switch of our own, WEIR_ASSERT, not by NDEBUG: a package that forgets
 * one must not ship the other.  Tests are built with it. */
#ifndef CT_ASSERT_H
#define CT_ASSERT_H

#ifdef WEIR_ASSERT
#define ct_assert(x) ((x) ? (void)0 : __builtin_trap())
#else
#define ct_assert(x) ((void)sizeof(x))
#endif

#endif
