/* Another libcurl than the program's: knows no more than how to make a handle. */
static char handle;

void* curl_easy_init(void) {
    return &handle;
}

void* other_handle(void) {
    return &handle;
}
