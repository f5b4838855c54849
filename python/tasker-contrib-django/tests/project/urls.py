from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/tasker/", include("tasker_contrib_django.admin_urls")),
    path("admin/", admin.site.urls),
    path("tasker/", include("tasker_contrib_django.urls")),
]
