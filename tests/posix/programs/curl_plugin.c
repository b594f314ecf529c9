/* What a program loads at run time, linked to a libcurl of its own. Knows nothing of Brio. */
void* curl_easy_init(void);
void* other_handle(void);

int plugin_has_its_own_curl(void) {
    return curl_easy_init() == other_handle();
}
