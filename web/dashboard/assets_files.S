/* assets_files.S - the page's bytes; the include path finds the files */
    .section .rodata

    .macro file name, path
    .globl assets_\name\()_start
    .hidden assets_\name\()_start
    .globl assets_\name\()_end
    .hidden assets_\name\()_end
assets_\name\()_start:
    .incbin "\path"
assets_\name\()_end:
    .byte 0
    .endm

    file html, "dashboard/page.html"
    file css, "dashboard/page.css"
    file js, "dashboard/page.js"

    .section .note.GNU-stack, "", %progbits
