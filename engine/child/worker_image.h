/* worker_image.h - the bytes of the worker's program (build/worker_image.S, made by make). */
#ifndef LG_WORKER_IMAGE_H
#define LG_WORKER_IMAGE_H

__attribute__((visibility("hidden"))) extern const char lg__worker_image[];
__attribute__((visibility("hidden"))) extern const char lg__worker_image_end[];

#endif
