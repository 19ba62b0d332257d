/* tests.h - the table of tests, which CMakeLists.txt writes */
#ifndef TEST_MUTANTS_TESTS_H
#define TEST_MUTANTS_TESTS_H

struct test {
    int (*main)(void);
    const char *name, *file;
};

extern const struct test tests[];
extern const int n_tests;

#endif
