from django.contrib import admin
from django.urls import include, path

from .shop import views

urlpatterns = [
    path("admin/tasker/", include("tasker_contrib_django.admin_urls")),
    path("admin/", admin.site.urls),
    path("tasker/", include("tasker_contrib_django.urls")),
    path("orders/", views.place),
    path("orders-async/", views.place_async),
]
